"""Markdown files, taken apart: headings, links, code in lines and in blocks, each with its line."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).parents[2]

_PARSER = MarkdownIt("commonmark").enable("table")
_HTML_ANCHOR = re.compile(r"""<[a-z][^>]*\s(?:id|name)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """Something in a page, with the line on which it begins."""

    line: int
    text: str


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    line: int
    """Of the fence; the first line of the text is the next one."""
    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    """Absolute."""
    name: str
    """Relative to the repository, for people."""
    anchors: frozenset[str]
    links: tuple[Place, ...]
    """Targets as written, of images too."""
    code: tuple[Place, ...]
    """Code in backquotes."""
    blocks: tuple[Block, ...]


@dataclass
class _Parts:
    anchors: list[str] = field(default_factory=list)
    links: list[Place] = field(default_factory=list)
    code: list[Place] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def read_pages(root: Path = REPOSITORY) -> dict[Path, Page]:
    """Return every Markdown file that git knows or would add, by its path."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    paths = [root / name for name in done.stdout.split("\0") if name]
    return {path: read_page(path, root) for path in sorted(set(paths)) if path.is_file()}


def read_page(path: Path, root: Path = REPOSITORY) -> Page:
    """Take one file apart."""
    parts = _Parts()
    tokens = _PARSER.parse(path.read_text())
    line = 1
    for number, token in enumerate(tokens):
        line = token.map[0] + 1 if token.map else line
        if token.type == "fence":
            parts.blocks.append(Block(line, token.info.strip().split(" ")[0], token.content))
        elif token.type == "html_block":
            parts.anchors += _HTML_ANCHOR.findall(token.content)
        elif token.type == "inline":
            _inline(token, line, parts)
            if number and tokens[number - 1].type == "heading_open":
                parts.anchors.append(_slug(token, parts.anchors))
    return Page(
        path,
        path.relative_to(root).as_posix(),
        frozenset(parts.anchors),
        tuple(parts.links),
        tuple(parts.code),
        tuple(parts.blocks),
    )


def _inline(token: Token, line: int, parts: _Parts) -> None:
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        elif child.type == "code_inline":
            parts.code.append(Place(line, child.content))
        elif child.type == "html_inline":
            parts.anchors += _HTML_ANCHOR.findall(child.content)
        for attribute in ("href", "src"):
            if target := child.attrGet(attribute):
                parts.links.append(Place(line, unquote(str(target))))


def _slug(heading: Token, taken: Iterable[str]) -> str:
    """Return the anchor that GitHub gives a heading."""
    text = "".join(child.content for child in heading.children or () if child.type in ("text", "code_inline"))
    plain = re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")
    return next(slug for slug in _numbered(plain) if slug not in taken)


def _numbered(text: str) -> Iterator[str]:
    yield text
    number = 1
    while True:
        yield f"{text}-{number}"
        number += 1
