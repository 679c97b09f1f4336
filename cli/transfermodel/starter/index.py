"""Look at index files: tables that name images and their labels, as .csv or .jsonl."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from transfermodel.errors import DataInvalid
from transfermodel.starter.types import Columns, Found, Role

SUFFIXES: Final = (".csv", ".jsonl")
PATH_NAMES: Final = ("file", "path", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img")
LABEL_NAMES: Final = ("label", "class", "category", "target", "species", "y")
TRIED_ROWS: Final = 50


def look(sources: Mapping[Role, Path], root: Path) -> Found:
    """Return what index files list.

    Raises:
        DataInvalid: one of them cannot be read, or nothing can be learned from it.
    """
    from transfermodel.starter.looking import count_labels, median_of

    counts: dict[Role, dict[str, int]] = {}
    columns: Columns | None = None
    images: list[Path] = []
    for role, path in sources.items():
        rows = read(path)
        found = columns_of(rows, path)
        if columns is not None and found != columns:
            raise DataInvalid(
                f"{path} calls its columns {found.path} and {found.label}; another calls them {columns.path} and "
                f"{columns.label}.",
                "Give them the same names.",
            )
        columns = found
        counts[role] = count_labels([str(row[found.label]).strip() for row in rows])
        files = [path.parent / str(row[found.path]).strip() for row in rows]
        missing = [file for file in files if not file.is_file()]
        if missing:
            raise DataInvalid(
                f"{len(missing)} of {len(files)} files that {path} lists are not there, such as {missing[0]}.",
                "Paths are relative to the folder of the index file: correct them, or move it.",
            )
        images += files if role == "train" else []
    if len(counts["train"]) < 2:
        raise DataInvalid(
            f"{sources['train']} holds only one label ({next(iter(counts['train']))}).",
            "A classifier needs at least two: add images of another class.",
        )
    for role, labels in counts.items():
        if labels.keys() != counts["train"].keys():
            different = ", ".join(sorted(labels.keys() ^ counts["train"].keys()))
            raise DataInvalid(
                f"{sources[role]} and {sources['train']} do not have the same labels: {different}.",
                "Add rows, or remove the label from both.",
            )
    return Found(root, sources, counts, median_of(images), columns)


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
    except (csv.Error, ValueError) as error:
        raise DataInvalid(f"{path} cannot be read: {error}.", "Write one row, or one JSON object, per image.") from None
    if not rows:
        raise DataInvalid(f"{path} has no rows.", "The first line names the columns: file,label. Add one per image.")
    if not all(isinstance(row, dict) for row in rows):
        raise DataInvalid(f"Not every line of {path} is a JSON object.", 'Write {"file": "a.png", "label": "cat"}.')
    return rows


def columns_of(rows: list[dict[str, Any]], path: Path) -> Columns:
    """Return the columns with the images and their labels: by their names, else by what they hold.

    Raises:
        DataInvalid: there are none.
    """
    names = [str(name) for name in rows[0] if name is not None]
    tried = rows[:TRIED_ROWS]

    def named(wanted: tuple[str, ...]) -> str | None:
        by_lower = {name.strip().lower(): name for name in names}
        return next((by_lower[name] for name in wanted if name in by_lower), None)

    def holds_files(name: str) -> bool:
        return all((path.parent / str(row.get(name) or "").strip()).is_file() for row in tried)

    files = named(PATH_NAMES) or next((name for name in names if holds_files(name)), None)
    if files is None:
        raise DataInvalid(
            f"No column of {path} names image files; it has {', '.join(names)}.",
            "Call it file, with paths relative to the folder of the index file.",
        )
    label = named(LABEL_NAMES) or _fewest_values(rows, [name for name in names if name != files])
    if label is None:
        raise DataInvalid(f"No column of {path} holds labels; it has {', '.join(names)}.", "Call it label.")
    empty = next((number for number, row in enumerate(rows, start=1) if not str(row.get(label) or "").strip()), None)
    if empty is not None:
        raise DataInvalid(f"Row {empty} of {path} has no {label}.", "Write the class of the image there.")
    return Columns(files, label)


def _fewest_values(rows: list[dict[str, Any]], names: list[str]) -> str | None:
    """Return the column whose values repeat most, if any do."""
    values = {name: len({str(row.get(name)) for row in rows}) for name in names}
    likely = [name for name in names if 2 <= values[name] <= len(rows) // 2]
    return min(likely, key=lambda name: values[name], default=None)
