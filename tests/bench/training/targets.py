"""What training should reach, and whether it does."""

import statistics
from collections.abc import Iterator

from tests.bench.documents import Wire

LEAST_SPEEDUP = {"all": 25.0, "20": 15.0}
LEAST_LEAD = 0.02
"""Of FeatureExtraction's accuracy over T0 frozen, where it is to be so many times faster."""
LEAST_REFIT_SPEEDUP = 100.0
MOST_OF_HYPERRULE = 0.25
"""Auto's time over that of BiT-HyperRule."""
LEAST_SST2, LEAST_SST2_LEAD = 0.78, 0.04
LEAST_SPOKEN_DIGITS = 0.97


def judged(document: Wire) -> list[Wire]:
    """Return every target with what was measured; `met` is null where something was not."""
    return [*_speed(document), *_auto(document), *_text(document), *_audio(document)]


def _speed(document: Wire) -> Iterator[Wire]:
    for size, least in LEAST_SPEEDUP.items():
        where = "all samples" if size == "all" else f"{size} a class"
        yield _target(f"head_speedup, {where}", document["head_speedup"].get(size), least)
        rows = document["datasets"].get("horse-ship-truck", {}).get(size, {})
        yield _target(
            f"FeatureExtraction's lead over T0 frozen, horse-ship-truck, {where}",
            _difference(rows, "features", "t0-frozen"),
            LEAST_LEAD,
        )
    yield _target("refit_speedup", document["refit_speedup"], LEAST_REFIT_SPEEDUP)


def _auto(document: Wire) -> Iterator[Wire]:
    for name, sizes in document["datasets"].items():
        for size, rows in sizes.items():
            where = f"{name}, {'all samples' if size == 'all' else f'{size} a class'}"
            for baseline, title in (("t0-frozen", "T0 frozen"), ("t0-fine-tuning", "T0 fine-tuning")):
                if baseline in rows:
                    yield _target(f"Auto's lead over {title}, {where}", _difference(rows, "auto", baseline), 0.0)
            if "bit" in rows:
                yield _target(f"Auto's lead over BiT-HyperRule, {where}", _difference(rows, "auto", "bit"), 0.0)
                yield _target(f"Auto's time over BiT-HyperRule's, {where}", _share(rows), MOST_OF_HYPERRULE, most=True)


def _text(document: Wire) -> Iterator[Wire]:
    rows = document["datasets"].get("sst2", {}).get("all", {})
    yield _target("FeatureExtraction's accuracy, sst2", _accuracy(rows, "features"), LEAST_SST2)
    yield _target("its lead over TF-IDF, sst2", _difference(rows, "features", "raw-input"), LEAST_SST2_LEAD)


def _audio(document: Wire) -> Iterator[Wire]:
    rows = document["datasets"].get("spoken-digits", {}).get("all", {})
    yield _target("Auto's accuracy, spoken digits", _accuracy(rows, "auto"), LEAST_SPOKEN_DIGITS)
    yield _target("Auto's lead over the raw input, spoken digits", _difference(rows, "auto", "raw-input"), 0.0)


def _target(name: str, found: float | None, bound: float, *, most: bool = False) -> Wire:
    """Return one target; differences of accuracies are compared to a tenth of a sample in a thousand."""
    close = 1e-4
    met = None if found is None else (found <= bound + close if most else found >= bound - close)
    return {"name": name, "measured": found, ("most" if most else "least"): bound, "met": met}


def _accuracy(rows: Wire, method: str) -> float | None:
    return float(rows[method]["accuracy"]["median"]) if method in rows else None


def _difference(rows: Wire, method: str, other: str) -> float | None:
    """Return the difference of the medians over those seeds that both had."""
    if method not in rows or other not in rows:
        return None
    both = [seed for seed in rows[method]["seeds"] if seed in rows[other]["seeds"]]
    if not both:
        return None
    found = []
    for name in (method, other):
        by_seed = dict(zip(rows[name]["seeds"], rows[name]["accuracy"]["values"], strict=True))
        found.append(statistics.median(by_seed[seed] for seed in both))
    return float(found[0] - found[1])


def _share(rows: Wire) -> float | None:
    """Return Auto's seconds over BiT-HyperRule's; None unless both were measured in one run."""
    if "auto" not in rows or "bit" not in rows or rows["auto"]["run"] != rows["bit"]["run"]:
        return None
    return float(rows["auto"]["seconds"]["median"] / rows["bit"]["seconds"]["median"])
