"""Look at index files: tables, .csv or .jsonl, that name files or hold texts, and their labels."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from transfermodel_operator.api.spec import Task

from transfermodel.errors import DataInvalid
from transfermodel.modalities import TEXT, Modality
from transfermodel.predictions.inputs import file_named
from transfermodel.starter.columns import columns_of
from transfermodel.starter.measuring import median_of_files, median_of_texts
from transfermodel.starter.types import Columns, Found, Median, Role

SUFFIXES: Final = (".csv", ".jsonl")


def look(sources: Mapping[Role, Path], root: Path, task: Task | None = None) -> Found:
    """Return what index files list.

    Raises:
        UsageError: they hold samples of several tasks.
        DataInvalid: one of them cannot be read, or nothing can be learned from it.
    """
    counts: dict[Role, dict[str, int]] = {}
    columns: Columns | None = None
    modality: Modality = TEXT
    contents: list[str] = []
    for role, path in sorted(sources.items(), key=lambda each: each[0] != "train"):
        rows = read(path)
        found, modality = columns_of(rows, path, task)
        if columns is not None and found != columns:
            raise DataInvalid(
                f"{path} calls its columns {found.content} and {found.label}; another calls them {columns.content} "
                f"and {columns.label}.",
                "Give them the same names.",
            )
        columns = found
        counts[role] = dict(sorted(Counter(str(row[found.label]).strip() for row in rows).items()))
        values = [str(row.get(found.content) or "").strip() for row in rows]
        if not found.texts:
            _check_files(values, path)
        contents = contents or values
    assert columns is not None  # noqa: S101 - there is one source at least
    _check_labels(counts, sources, modality)
    return Found(modality, root, sources, counts, _median(contents, sources["train"], columns, modality), columns)


def _check_files(names: Sequence[str], path: Path) -> None:
    """Raise DataInvalid where files that the table names are not there."""
    missing = [path.parent / name for name in names if file_named(name, path) is None]
    if missing:
        raise DataInvalid(
            f"{len(missing)} of {len(names)} files that {path} lists are not there, such as {missing[0]}.",
            "Paths are relative to the folder of the index file: correct them, or move it.",
        )


def _check_labels(counts: Mapping[Role, Mapping[str, int]], sources: Mapping[Role, Path], modality: Modality) -> None:
    """Raise DataInvalid unless there are two classes, the same ones everywhere."""
    if len(counts["train"]) < 2:
        raise DataInvalid(
            f"{sources['train']} holds only one label ({next(iter(counts['train']))}).",
            f"A classifier needs at least two: add {modality.many} of another class.",
        )
    for role, labels in counts.items():
        if labels.keys() != counts["train"].keys():
            different = ", ".join(sorted(labels.keys() ^ counts["train"].keys()))
            raise DataInvalid(
                f"{sources[role]} and {sources['train']} do not have the same labels: {different}.",
                "Add rows, or remove the label from both.",
            )


def _median(contents: Sequence[str], path: Path, columns: Columns, modality: Modality) -> Median | None:
    """Return how large the samples are that a table holds or names."""
    if columns.texts:
        return median_of_texts(contents)
    return median_of_files([path.parent / name for name in contents], modality)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of an index file.

    Raises:
        DataInvalid: it is no table, or has no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".csv":
                rows: list[Any] = list(csv.DictReader(file, skipinitialspace=True))
            else:
                rows = [json.loads(line) for line in file if line.strip()]
    except UnicodeDecodeError:
        raise DataInvalid(f"{path} is not UTF-8.", "Save it as UTF-8.") from None
    except (csv.Error, ValueError, RecursionError) as error:
        raise DataInvalid(
            f"{path} cannot be read: {error}.", "Write one row, or one JSON object, per sample."
        ) from None
    if not rows:
        raise DataInvalid(
            f"{path} has no rows.", "The first line names the columns: file,label or text,label. Add one per sample."
        )
    if not all(isinstance(row, dict) for row in rows):
        raise DataInvalid(f"Not every line of {path} is a JSON object.", 'Write {"file": "a.png", "label": "cat"}.')
    return rows
