"""The part "serving" of the bench."""

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.bench import documents, surroundings
from tests.bench.serving import (
    binary,
    cold_start,
    image_size,
    int8_accuracy,
    lone,
    network,
    page,
    results,
    scale,
    traffic,
)
from tests.bench.serving.bench import QUICK, Bench, Effort, NotHere, Visit
from tests.bench.serving.options import BACKBONES

DISTRIBUTIONS: Final = ("kserve", "torch", "torchvision", "onnxruntime", "numpy", "pillow", "uvicorn", "starlette")

PARTS: Final[dict[str, Callable[[Bench], Iterator[Visit]]]] = {
    cold_start.PART: cold_start.measure,
    traffic.PART: traffic.measure,
    traffic.PHOTOGRAPHS: traffic.measure_photographs,
    network.PART: network.measure,
    int8_accuracy.PART: int8_accuracy.measure,
    lone.PART: lone.measure,
    binary.PART: binary.measure,
    image_size.PART: image_size.measure,
    scale.PART: scale.measure,
}
ON_CLUSTER: Final = (scale.PART,)


def run(options: argparse.Namespace) -> list[str]:
    """Measure part by part; what is measured is written at once and stays, whatever happens to the rest.

    Returns:
        What failed, a line for each part; parts that this machine lacks something for are not among them.

    Raises:
        RuntimeError: an option names what there is not.
    """
    asked = chosen(options)
    effort = effort_of(options)
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    runs = {name: surroundings.facts(DISTRIBUTIONS)}
    document = results.merged(None if options.quick else results.read(options.results), {}, {}, {})
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="transfermodel-bench-") as folder:
        bench = Bench(Path(folder), options.data, effort, tuple(options.backbones), say)
        for part in asked:
            begun = time.monotonic()
            visits: list[Visit] = []
            skipped: dict[str, str] = {}
            try:
                visits.extend(PARTS[part](bench))
            except NotHere as error:
                skipped[part] = str(error)
                say(f"{part}: left out: {error}")
            except (AssertionError, RuntimeError, OSError, ValueError) as error:
                failed.append(f"{part}: not measured to its end: {error}")
                say(failed[-1])
                visits = whole(visits)
            document = results.merged(document, results.rows_of(visits, name), runs, skipped)
            if not options.quick:
                documents.write(document, options.results)
                page.write_page(document, options.page)
            say(f"{part}: {time.monotonic() - begun:.0f} s")
    say(page.tables(document))
    return failed


def whole(visits: list[Visit]) -> list[Visit]:
    """Return the visits without those of the last subject, at which measuring broke off."""
    return [visit for visit in visits if (visit.part, visit.subject) != (visits[-1].part, visits[-1].subject)]


def chosen(options: argparse.Namespace) -> list[str]:
    """Return the parts that were asked for, in their own order; trying out leaves the cluster alone.

    Raises:
        RuntimeError: there is no such part or backbone.
    """
    for what, asked, known in (
        ("part", options.parts or [], list(PARTS)),
        ("backbone", options.backbones, list(BACKBONES)),
    ):
        if unknown := set(asked) - set(known):
            raise RuntimeError(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if not options.backbones:
        raise RuntimeError(f"no backbone is named; there are {', '.join(BACKBONES)}")
    default = [part for part in PARTS if not (options.quick and part in ON_CLUSTER)]
    return [part for part in PARTS if part in (options.parts or default)]


def effort_of(options: argparse.Namespace) -> Effort:
    """Return how long is measured. Raises RuntimeError where it is not at all."""
    effort = QUICK if options.quick else Effort()
    asked = {"rounds": options.visits, "seconds": options.seconds, "wakes": options.turns, "bursts": options.bursts}
    effort = dataclasses.replace(effort, **{name: value for name, value in asked.items() if value is not None})
    if min(effort.rounds, effort.seconds, effort.wakes) <= 0:
        raise RuntimeError("--visits, --seconds and --turns must be above 0: nothing would be measured")
    return effort


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)
