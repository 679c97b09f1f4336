"""The tables of the pages under docs/benchmarks, written between two marks; people write everything around them."""

from collections.abc import Iterable
from pathlib import Path

from tests.bench.documents import Wire

END = "<!-- Until here. -->"


def begin(part: str) -> str:
    """Return the mark above the tables of a part of the bench."""
    return f"<!-- What follows is written by `python -m tests.bench --only {part}`; do not edit it. -->"


def write_between(part: str, tables: str, path: Path) -> None:
    """Replace what lies between the two marks.

    Raises:
        ValueError: a mark is missing.
    """
    text, mark = path.read_text(), begin(part)
    if mark not in text or END not in text:
        raise ValueError(f"{path} lacks the marks between which the tables go: {mark} and {END}")
    before, _, rest = text.partition(mark)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{mark}\n\n{tables}\n\n{END}{after}")


def targets(found: Iterable[Wire]) -> str:
    """Return the targets and whether they are met; each has name, measured, met, and `least` or `most`."""
    lines = ["| target | measured | wanted | |", "|---|---|---|---|"]
    for target in found:
        bound = f"<= {target['most']:g}" if "most" in target else f">= {target['least']:g}"
        measured = "not measured" if target["measured"] is None else f"{target['measured']:.4g}"
        verdict = {True: "met", False: "**missed**", None: ""}[target["met"]]
        lines.append(f"| {target['name']} | {measured} | {bound} | {verdict} |")
    return "\n".join(lines)


def between(found: Wire, form: str | None = None) -> str:
    """Return the range; nothing where there is one value."""
    if len(found["values"]) < 2:
        return ""
    low, high = (f"{found[key]:{form}}" if form else short(found[key]) for key in ("minimum", "maximum"))
    return f"{low} to {high}"


def short(value: float) -> str:
    """Return a quantity with three significant digits, as people write them."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"
