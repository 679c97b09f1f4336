"""Docstrings, of what Python itself remembers and of what it forgets: those below attributes."""

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass, field

_SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Attributes|Example|Examples):$")


@dataclass(frozen=True)
class Docstring:
    """A docstring in Google's style, taken apart."""

    text: str
    """Everything before the first section, paragraphs parted by an empty line."""
    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Args, Raises, Attributes: (name, meaning) of each entry; Returns: one entry without a name."""


def of(thing: object) -> Docstring:
    """Return the docstring of a function, a class or a module."""
    return parse(inspect.getdoc(thing) or "")


def parse(text: str) -> Docstring:
    """Take a cleaned docstring apart."""
    paragraphs: list[str] = []
    sections: dict[str, list[tuple[str, str]]] = {}
    current: str | None = None
    block: list[str] = []

    def close() -> None:
        lines = textwrap.dedent("\n".join(block)).strip("\n")
        if current is None:
            paragraphs.append(lines)
        else:
            sections[current] = _entries(lines, named=current not in ("Returns", "Yields", "Example", "Examples"))
        block.clear()

    for line in text.splitlines():
        if match := _SECTION.match(line):
            close()
            current = match[1]
        else:
            block.append(line)
    close()
    return Docstring("\n".join(paragraphs).strip(), sections)


def _entries(text: str, *, named: bool) -> list[tuple[str, str]]:
    if not named:
        return [("", text)]
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith(" ") and found:
            name, meaning = found[-1]
            found[-1] = (name, f"{meaning} {line.strip()}")
        elif line.strip():
            name, _, meaning = line.partition(":")
            found.append((name.strip(), meaning.strip()))
    return found


def attributes(kind: type) -> dict[str, str]:
    """Return name -> docstring of the attributes that a class itself annotates or sets, in their order."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{kind} is not written as a class")
    found: dict[str, str] = {}
    name = ""
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            found[name] = ""
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            found[name] = ""
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found[name] = " ".join(str(node.value.value).split())
            name = ""
        else:
            name = ""
    return found
