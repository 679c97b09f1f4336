"""bench/results/serving.json: what was measured, side by side, and the ratios and targets that follow from it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.bench import documents
from tests.bench.documents import Wire, rounded, spread
from tests.bench.serving.bench import Visit
from tests.bench.serving.keys import KEYS, Key

SCHEMA: Final = 1


def rows_of(visits: Iterable[Visit], run: str) -> Wire:
    """Return part -> subject -> side -> row, of one run. Raises KeyError where a round lacks a figure of the first."""
    cells: dict[tuple[str, str, str], list[Visit]] = {}
    for entry in visits:
        cells.setdefault((entry.part, entry.subject, entry.side), []).append(entry)
    parts: Wire = {}
    for (part, subject, side), entries in cells.items():
        row = {name: spread(entry.figures[name] for entry in entries) for name in entries[0].figures}
        numbers = [entry.number for entry in entries]
        parts.setdefault(part, {}).setdefault(subject, {})[side] = {"run": run, "rounds": numbers, "figures": row}
    return parts


def merged(before: Wire | None, parts: Wire, runs: Wire, skipped: Mapping[str, str]) -> Wire:
    """Return the whole document: a subject that was measured anew takes the place of what there was of it.

    Args:
        before: the document as it was, if there was one.
        parts: as `rows_of` returns them.
        runs: what this run was made with, by its name.
        skipped: parts that were asked for and could not be measured, with the reason.
    """
    whole: Wire = {part: dict(subjects) for part, subjects in (before or {}).get("parts", {}).items()}
    for part, subjects in parts.items():
        whole[part] = {**whole.get(part, {}), **subjects}
    known = {**(before or {}).get("runs", {}), **runs}
    used = {row["run"] for subjects in whole.values() for sides in subjects.values() for row in sides.values()}
    ratios = {name: found for name, key in KEYS.items() if (found := ratios_of(key, whole.get(key.part, {})))}
    still = {**(before or {}).get("skipped", {}), **skipped}
    document: Wire = {
        "schema": SCHEMA,
        "runs": {name: facts for name, facts in known.items() if name in used},
        **{name: worst(KEYS[name], found) for name, found in ratios.items()},
        "ratios": ratios,
        "parts": whole,
        "skipped": {part: reason for part, reason in still.items() if part in skipped or part not in whole},
    }
    document["targets"] = [
        target(key, document.get(name), name)
        for name, key in KEYS.items()
        if key.least is not None or key.most is not None
    ]
    return dict(rounded(document))


def ratios_of(key: Key, subjects: Wire) -> Wire:
    """Return the ratio's spread by subject; its sides are always of one run, as `merged` replaces all of them."""
    found: Wire = {}
    for subject, sides in subjects.items():
        over, under = sides.get(key.over), sides.get(key.under) if key.under else None
        if over is None or key.figure not in over["figures"]:
            continue
        if key.under is None:
            found[subject] = over["figures"][key.figure]
        elif under is not None and key.figure in under["figures"]:
            first, second = by_round(over, key.figure), by_round(under, key.figure)
            if both := [number for number in first if number in second]:
                found[subject] = spread(first[number] / second[number] for number in both)
    return found


def by_round(row: Wire, figure: str) -> dict[int, float]:
    """Return the values of a figure by the number of the round."""
    values = row["figures"][figure]["values"]
    return dict(zip(row["rounds"], values, strict=True))


def worst(key: Key, found: Wire) -> float:
    """Return the median of the subject that is worst; its worst round where every round counts."""
    lowest, highest = ("minimum", "maximum") if key.every_round else ("median", "median")
    if key.most is not None:
        return max(float(entry[highest]) for entry in found.values())
    return min(float(entry[lowest]) for entry in found.values())


def target(key: Key, found: float | None, name: str) -> Wire:
    """Return one target; `met` is null where it was not measured."""
    bound = {"most": key.most} if key.most is not None else {"least": key.least}
    met = None
    if found is not None:
        met = found <= key.most if key.most is not None else key.least is not None and found >= key.least
    return {"key": name, "name": key.title or name, "measured": found, **bound, "met": met}


def read(path: Path) -> Wire | None:
    """Return a document of this schema; None where there is none."""
    return documents.read(path, SCHEMA)
