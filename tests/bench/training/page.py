"""The tables of docs/benchmarks/training.md, made from the results and from nothing else."""

from collections.abc import Iterator
from pathlib import Path

from tests.bench import pages
from tests.bench.documents import Wire
from tests.bench.pages import between, short
from tests.bench.training.material import ALL
from tests.bench.training.methods import METHODS

PART = "training"


def write_page(document: Wire, path: Path) -> None:
    """Replace the tables of the page.

    Raises:
        ValueError: a mark is missing.
    """
    pages.write_between(PART, tables(document), path)


def tables(document: Wire) -> str:
    """Return everything in Markdown."""
    parts = [speedups(document), pages.targets(document["targets"])]
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
            f"| {between(accuracy, '.3f')} | {short(seconds['median'])} s | {between(seconds)} "
            f"| {short(row['evaluationSeconds']['median'])} s | {len(row['seeds'])} | {runs.index(row['run']) + 1} |"
        )
    choosing = [
        f"{METHODS[method].title} {short(rows[method]['choosingSeconds']['median'])} s"
        for method in METHODS
        if method in rows and rows[method]["choosingSeconds"]["median"] > 0
    ]
    if choosing:
        lines += ["", f"Choosing the epoch on validation took besides: {', '.join(choosing)}."]
    return "\n".join(lines)


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
