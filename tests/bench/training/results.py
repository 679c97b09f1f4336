"""bench/results/training.json: what was measured, row by row, and the ratios and targets that follow from it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench import documents
from tests.bench.documents import Wire, rounded, spread
from tests.bench.training.material import ALL
from tests.bench.training.measuring import Measured
from tests.bench.training.targets import judged

SCHEMA = 1
SPEED_DATA_SET = "horse-ship-truck"
"""What the speedups at the top of the file are of."""

SPEEDUPS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "head_speedup": ("features", ()),
    "head_speedup_with_evaluation": ("features", ("evaluationSeconds",)),
    "head_speedup_with_choosing": ("features", ("choosingSeconds",)),
    "refit_speedup": ("refit", ()),
}
"""By key: our method, and which seconds are added to those of training on both sides."""


def rows_of(measured: Iterable[Measured], run: str) -> Wire:
    """Return data set -> size -> method -> row."""
    cells: dict[Any, list[Measured]] = {}
    for entry in measured:
        cells.setdefault(entry.cell, []).append(entry)
    data_sets: Wire = {}
    for cell, entries in cells.items():
        outcomes = [entry.outcome for entry in entries]
        row = {
            "accuracy": spread(outcome.accuracy for outcome in outcomes),
            "seconds": spread(outcome.seconds for outcome in outcomes),
            "evaluationSeconds": spread(outcome.evaluation_seconds for outcome in outcomes),
            "choosingSeconds": spread(outcome.choosing_seconds for outcome in outcomes),
            "seeds": [entry.seed for entry in entries],
            "run": run,
        }
        for fact in outcomes[0].facts:
            row[fact] = spread(outcome.facts[fact] for outcome in outcomes if fact in outcome.facts)
        data_sets.setdefault(cell.data_set, {}).setdefault(cell.size, {})[cell.method] = row
    return data_sets


def merged(before: Wire | None, data_sets: Wire, runs: Wire, skipped: Mapping[str, str]) -> Wire:
    """Return the whole document: new rows take the place of old ones, all others keep the run they came from."""
    whole: Wire = {name: dict(sizes) for name, sizes in (before or {}).get("datasets", {}).items()}
    for name, sizes in data_sets.items():
        for size, methods in sizes.items():
            whole.setdefault(name, {})[size] = {**whole.get(name, {}).get(size, {}), **methods}
    known = {**(before or {}).get("runs", {}), **runs}
    used = {row["run"] for sizes in whole.values() for methods in sizes.values() for row in methods.values()}
    speedups = speedups_of(whole.get(SPEED_DATA_SET, {}))
    medians = {key: {size: found["median"] for size, found in sizes.items()} for key, sizes in speedups.items()}
    document: Wire = {
        "schema": SCHEMA,
        "runs": {name: facts for name, facts in known.items() if name in used},
        **medians,
        "refit_speedup": medians["refit_speedup"].get(ALL),
        "speedups": speedups,
        "datasets": whole,
        "skipped": {name: reason for name, reason in skipped.items() if name not in whole},
    }
    document["targets"] = judged(document)
    return dict(rounded(document))


def speedups_of(sizes: Wire) -> Wire:
    """Return the ratios by key and size: T0's frozen training over ours, by turns of one seed."""
    return {
        key: {
            size: found
            for size, methods in sizes.items()
            if (found := speedup(methods.get("t0-frozen"), methods.get(method), extra))
        }
        for key, (method, extra) in SPEEDUPS.items()
    }


def speedup(baseline: Wire | None, ours: Wire | None, extra: tuple[str, ...] = ()) -> Wire | None:
    """Return how many times faster ours is, seed by seed; None unless both were measured in one run.

    Args:
        baseline: a row.
        ours: a row.
        extra: which seconds are added to those of training, on both sides.
    """
    if baseline is None or ours is None or baseline["run"] != ours["run"]:
        return None
    taken = [seconds_by_seed(row, extra) for row in (baseline, ours)]
    both = [seed for seed in taken[0] if seed in taken[1]]
    return spread(taken[0][seed] / taken[1][seed] for seed in both) if both else None


def seconds_by_seed(row: Wire, extra: tuple[str, ...]) -> dict[int, float]:
    """Return the seconds of each turn."""
    columns = [row[key]["values"] for key in ("seconds", *extra)]
    return {seed: sum(values) for seed, *values in zip(row["seeds"], *columns, strict=True)}


def read(path: Path) -> Wire | None:
    """Return a document of this schema; None where there is none."""
    return documents.read(path, SCHEMA)
