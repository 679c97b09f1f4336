"""Markdown that the generated pages share."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown already, but for the bars between them."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_one_line(cell) for cell in line) + " |\n" for line in lines).replace(
        "|  |", "| |"
    )


def code(text: str) -> str:
    """Return text as code, whatever it holds."""
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def plain(text: str) -> str:
    """Return text in which nothing is a tag; code in backquotes stays what it is."""
    parts = text.split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))


def _one_line(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
