"""The tables of docs/benchmarks/serving.md, made from the results and from nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench import pages
from tests.bench.documents import Wire
from tests.bench.pages import between, short

PART: Final = "serving"
SIDES: Final[Mapping[str, str]] = {
    "ours": "TransferModel",
    "ours-int8": "TransferModel, Int8",
    "b0": "B0",
    "b0-careful": "B0, careful",
    "b0-without-cuda": "B0, without CUDA",
    "batching": "batching, as by default",
    "no-batching": "no batching",
    "binary": "binary",
    "json": "JSON",
}


@dataclass(frozen=True)
class Table:
    """How a part is shown."""

    title: str
    subject: str
    columns: Mapping[str, str]
    """Title by figure; what a row lacks stays empty."""


TABLES: Final[Mapping[str, Table]] = {
    "cold-start": Table("From exec to the first prediction", "backbone", {"firstPredictionSeconds": "seconds"}),
    "scale-from-zero": Table(
        "From zero pods to the answer, through the ingress", "backbone", {"seconds": "seconds", "failed": "failed"}
    ),
    "scale-from-zero-bursts": Table(
        "Twenty requests at once that find no pod",
        "backbone",
        {"sent": "sent", "answered": "answered", "lastSeconds": "seconds to the last answer"},
    ),
    "traffic": Table(
        "Requests per second and latency",
        "backbone",
        {
            "requestsPerSecond1": "requests/s, 1 client",
            "requestsPerSecond8": "8 clients",
            "requestsPerSecond32": "32 clients",
            "p50Milliseconds1": "p50 ms, 1 client",
            "p99Milliseconds8": "p99 ms, 8 clients",
            "healthP99Milliseconds": "health's p99 ms, 32 clients",
            "failed": "failed",
        },
    ),
    "photographs": Table(
        "Other sizes of JPEG",
        "JPEG",
        {"requestsPerSecond8": "requests/s, 8 clients", "p99Milliseconds8": "p99 ms", "failed": "failed"},
    ),
    "network-alone": Table(
        "The network alone, on all processors: what no server can exceed",
        "backbone",
        {"imagesPerSecond1": "images/s, one at a time", "imagesPerSecond4": "in batches of 4"},
    ),
    "lone-request": Table("A lone request", "backbone", {"p50Milliseconds": "p50 ms", "failed": "failed"}),
    "binary": Table(
        "Tensors by version 2",
        "network",
        {
            "requestsPerSecond1": "requests/s, 1 client",
            "requestsPerSecond8": "8 clients",
            "kilobytes": "kB a request",
            "failed": "failed",
        },
    ),
    "int8-accuracy": Table(
        "What Int8 costs", "data set", {"accuracy": "accuracy", "lossPoints": "points lost", "samples": "samples"}
    ),
    "image-size": Table("Images", "image", {"megabytes": "MB, packed"}),
}
MEMORY: Final = Table(
    "Memory",
    "backbone",
    {
        "residentLoadedMegabytes": "resident MB, first prediction",
        "residentMegabytes": "resident MB, after traffic",
        "proportionalMegabytes": "its proportional share",
    },
)
"""Of the same visits as "traffic"."""


def write_page(document: Wire, path: Path) -> None:
    """Replace the tables of the page.

    Raises:
        ValueError: a mark is missing.
    """
    pages.write_between(PART, tables(document), path)


def tables(document: Wire) -> str:
    """Return everything in Markdown."""
    parts = [pages.targets(document["targets"]), ratios(document)]
    for name, shape in TABLES.items():
        if name in document["parts"]:
            parts.append(table(shape, document["parts"][name], document))
        if name == "traffic" and name in document["parts"]:
            parts.append(table(MEMORY, document["parts"][name], document))
    parts += [f"Not measured: {name}, as {reason}." for name, reason in document["skipped"].items()]
    parts.append("\n".join(_runs(document)))
    return "\n\n".join(part for part in parts if part)


def ratios(document: Wire) -> str:
    """Return every ratio with its spread over the rounds."""
    lines = ["| key | of | median | range | rounds |", "|---|---|---|---|---|"]
    for name, subjects in document["ratios"].items():
        for subject, found in subjects.items():
            lines.append(
                f"| `{name}` | {subject} | {short(found['median'])} | {between(found)} | {len(found['values'])} |"
            )
    return "\n".join(lines) if len(lines) > 2 else ""


def table(shape: Table, subjects: Wire, document: Wire) -> str:
    """Return the sides of a part, each with its absolute figures."""
    runs = list(document["runs"])
    rows = [(subject, name, side) for subject, sides in subjects.items() for name, side in in_order(sides)]
    shown = [figure for figure in shape.columns if any(figure in side["figures"] for _, _, side in rows)]
    head = [shape.subject, "side", *(shape.columns[figure] for figure in shown), "rounds", "run"]
    lines = [f"### {shape.title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for subject, name, side in rows:
        cells = [cell(figure, side["figures"]) for figure in shown]
        number = str(runs.index(side["run"]) + 1)
        lines.append(f"| {' | '.join([subject, SIDES[name], *cells, str(len(side['rounds'])), number])} |")
    return "\n".join(lines)


def in_order(sides: Wire) -> Iterator[tuple[str, Wire]]:
    """Yield the sides as the page names them, whatever came first."""
    yield from ((name, sides[name]) for name in SIDES if name in sides)


def cell(figure: str, figures: Wire) -> str:
    """Return median and range; of what is counted, the sum."""
    if figure not in figures:
        return ""
    found = figures[figure]
    if figure in ("failed", "sent", "answered"):
        return f"{sum(found['values']):.0f}"
    spread = between(found)
    return f"{short(found['median'])} ({spread})" if spread else short(found["median"])


def _runs(document: Wire) -> Iterator[str]:
    yield "| run | when | processor | load at its start | load generator, of one processor | versions |"
    yield "|---|---|---|---|---|---|"
    for number, (name, facts) in enumerate(document["runs"].items(), 1):
        versions = ", ".join(f"{package} {version}" for package, version in facts["versions"].items())
        share = generator_share(document, name)
        yield (
            f"| {number} | {facts['date']} | {facts['processor']}, {facts['cores']} cores | {facts['load']:.1f} "
            f"| {'' if share is None else f'{share:.0%} at most'} | {versions} |"
        )


def generator_share(document: Wire, run: str) -> float | None:
    """Return the most that the load generator took of a processor in a run; None where it took no part."""
    found = [
        side["figures"]["generatorShare"]["maximum"]
        for subjects in document["parts"].values()
        for sides in subjects.values()
        for side in sides.values()
        if side["run"] == run and "generatorShare" in side["figures"]
    ]
    return max(found, default=None)
