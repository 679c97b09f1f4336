"""The tables of docs/benchmarks/training.md, made from the results and from nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.training.material import ALL
from tests.bench.training.methods import METHODS

BEGIN = "<!-- What follows is written by `python -m tests.bench --only training`; do not edit it. -->"
END = "<!-- Until here. -->"

Wire = dict[str, Any]


def write_page(document: Wire, path: Path) -> None:
    """Replace what lies between the two marks; everything else is written by people.

    Raises:
        ValueError: a mark is missing.
    """
    text = path.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} lacks the marks between which the tables go: {BEGIN} and {END}")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{tables(document)}\n\n{END}{after}")


def tables(document: Wire) -> str:
    """Return everything in Markdown."""
    parts = [speedups(document), targets(document)]
    for name, sizes in document["datasets"].items():
        parts += [table(name, size, rows, document) for size, rows in sizes.items()]
    if document["skipped"]:
        parts.append("\n".join(f"Not measured: {name}, as {reason}." for name, reason in document["skipped"].items()))
    parts.append(surroundings(document))
    return "\n\n".join(part for part in parts if part)


def speedups(document: Wire) -> str:
    """Return the ratios."""
    lines = ["| how many times faster than T0 frozen | samples | median | range | seeds |", "|---|---|---|---|---|"]
    for key, sizes in document["speedups"].items():
        for size, found in sizes.items():
            lines.append(
                f"| `{key}` | {samples(size)} | {found['median']:.1f} | {found['minimum']:.1f} to "
                f"{found['maximum']:.1f} | {len(found['values'])} |"
            )
    return "\n".join(lines) if len(lines) > 2 else ""


def targets(document: Wire) -> str:
    """Return the targets and whether they are met."""
    lines = ["| target | measured | wanted | |", "|---|---|---|---|"]
    for target in document["targets"]:
        bound = f"<= {target['most']:g}" if "most" in target else f">= {target['least']:g}"
        measured = "not measured" if target["measured"] is None else f"{target['measured']:.4g}"
        verdict = {True: "met", False: "**missed**", None: ""}[target["met"]]
        lines.append(f"| {target['name']} | {measured} | {bound} | {verdict} |")
    return "\n".join(lines)


def table(name: str, size: str, rows: Wire, document: Wire) -> str:
    """Return the methods on so many samples of a data set."""
    runs = list(document["runs"])
    lines = [
        f"### {name}, {samples(size)}",
        "",
        "| method | accuracy | range | training | range | one evaluation | seeds | run |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method in METHODS:  # in their own order, whatever came first
        if method not in rows:
            continue
        row = rows[method]
        accuracy, seconds = row["accuracy"], row["seconds"]
        lines.append(
            f"| {METHODS[method].title} | {accuracy['median']:.3f} "
            f"| {between(accuracy, '.3f')} | {time(seconds['median'])} s | {between(seconds)} "
            f"| {time(row['evaluationSeconds']['median'])} s | {len(row['seeds'])} | {runs.index(row['run']) + 1} |"
        )
    choosing = [
        f"{METHODS[method].title} {time(rows[method]['choosingSeconds']['median'])} s"
        for method in METHODS
        if method in rows and rows[method]["choosingSeconds"]["median"] > 0
    ]
    if choosing:
        lines += ["", f"Choosing the epoch on validation took besides: {', '.join(choosing)}."]
    return "\n".join(lines)


def between(found: Wire, form: str | None = None) -> str:
    """Return the range; nothing where there is one value."""
    if len(found["values"]) < 2:
        return ""
    low, high = (f"{found[key]:{form}}" if form else time(found[key]) for key in ("minimum", "maximum"))
    return f"{low} to {high}"


def time(seconds: float) -> str:
    """Return seconds with three significant digits, as people write them."""
    digits = 0 if seconds >= 100 else 1 if seconds >= 10 else 2 if seconds >= 1 else 3
    return f"{seconds:.{digits}f}"


def samples(size: str) -> str:
    """Return a size for people."""
    return "all samples" if size == ALL else f"{size} a class"


def surroundings(document: Wire) -> str:
    """Return what the runs were made with."""
    return "\n".join(_run_lines(document))


def _run_lines(document: Wire) -> Iterator[str]:
    yield "| run | when | processor | threads | load at its start | versions |"
    yield "|---|---|---|---|---|---|"
    for number, facts in enumerate(document["runs"].values(), 1):
        versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        yield (
            f"| {number} | {facts['date']} | {facts['processor']}, {facts['cores']} cores | {facts['threads']} "
            f"| {facts['load']:.1f} | {versions} |"
        )
