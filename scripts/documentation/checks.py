"""Every check, over every page."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.documentation import blocks, commands, named
from scripts.documentation.pages import REPOSITORY, Page

# Not the end of a URL or of somebody else's path.
_NAMED_PAGE = re.compile(r"(?<![\w/.-])docs/[\w/-]+\.md")


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a page."""

    page: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return it as editors and terminals link it."""
        return f"{self.page}:{self.line}: {self.message}"


def problems(pages: dict[Path, Page], root: Path = REPOSITORY) -> list[Problem]:
    """Return everything that is wrong, in the order of pages and lines."""
    found = [Problem(page.name, line, message) for page in pages.values() for line, message in _of(page, pages, root)]
    return sorted({*found, *named_elsewhere(root)})


def named_elsewhere(root: Path) -> Iterator[Problem]:
    """Yield what code, charts and scripts say of pages that are not there."""
    command = ["git", "grep", "--untracked", "-InF", "docs/", "--", ":!*.md", ":!tests/unit/docs"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    for found in done.stdout.splitlines():
        name, number, line = found.split(":", 2)
        for page in _NAMED_PAGE.findall(line):
            if not (root / page).is_file():
                yield Problem(name, int(number), f"there is no {page} in the repository")


def _of(page: Page, pages: dict[Path, Page], root: Path) -> Iterator[tuple[int, str]]:
    for link in page.links:
        if message := broken_link(page, link.text, pages, root):
            yield link.line, message
    for span in page.code:
        for message in named.missing(span.text, root):
            yield span.line, message
        if span.text.startswith(commands.CHECKED_IN_TEXT):
            for message in commands.wrong(span.text, root, complete=False):
                yield span.line, message
    for block in page.blocks:
        yield from blocks.wrong(block, root)


def broken_link(page: Page, target: str, pages: dict[Path, Page], root: Path = REPOSITORY) -> str | None:
    """Return what is wrong with a link; links to other hosts are not followed."""
    if target.startswith(("http://", "https://", "mailto:")):
        return None
    name, _, anchor = target.partition("#")
    path = (page.path.parent / name).resolve() if name else page.path
    if not path.is_relative_to(root):
        return f"the link {target} leads out of the repository"
    if not path.exists():
        return f"the link {target} leads nowhere: there is no {path.relative_to(root)}"
    if not anchor:
        return None
    other = pages.get(path)
    if other is None:
        return f"the link {target} has an anchor, and {path.relative_to(root)} is no Markdown page"
    if anchor not in other.anchors:
        return f"the link {target} leads nowhere: {other.name} has no heading of the anchor #{anchor}"
    return None
