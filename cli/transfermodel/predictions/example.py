"""Something to try a model with: a sample of its own data, where that lies on this machine."""

import csv
import json
from pathlib import Path
from typing import Any, Final

from transfermodel.documents import Document, is_local, local_path
from transfermodel.modalities import MODALITIES, TEXT, Modality
from transfermodel.predictions.inputs import file_named, files_below

LONGEST_TEXT: Final = 200
"""Characters of a text that is shown in a command."""
STAND_INS: Final = {"text": "A TEXT OF YOUR OWN", "image": "IMAGE", "audio": "RECORDING"}


def example(document: Document) -> str:
    """Return a path of an image or recording, or a text, best one that was not learned from; else a stand-in."""
    modality, data = MODALITIES[document.spec.task], document.spec.data
    for source in (data.test, data.validation, data.train):
        if source is None or not is_local(source.uri):
            continue
        place = local_path(source.uri, document.folder)
        found = next(files_below(place, modality.suffixes), None) if place.is_dir() else None
        if found is None and place.suffix in (".csv", ".jsonl"):
            content = _of_table(document, place, modality)
            if modality is TEXT and isinstance(content, str):
                return _one_line(content)
            found = content if isinstance(content, Path) else None
        if found is not None:
            return _one_line(_read(found)) if modality is TEXT else str(found)
    return STAND_INS[modality.key]


def _of_table(document: Document, place: Path, modality: Modality) -> str | Path | None:
    """Return the text of a table's first row, or the file that it names."""
    row = _first_row(place)
    columns = document.spec.data.format
    text_column, path_column = (columns.text_column, columns.path_column) if columns else ("text", "file")
    if modality is TEXT and isinstance(row.get(text_column), str):
        return str(row[text_column])
    named = row.get(path_column)
    return file_named(named, place) if isinstance(named, str) else None


def _first_row(place: Path) -> dict[str, Any]:
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            if place.suffix == ".csv":
                return next(csv.DictReader(file, skipinitialspace=True), {})
            row = json.loads(next((line for line in file if line.strip()), "{}"))
            return row if isinstance(row, dict) else {}
    except (OSError, ValueError, csv.Error, RecursionError):
        return {}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return STAND_INS["text"]


def _one_line(text: str) -> str:
    """Return the beginning of a text, in one line that a terminal can show."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if len(line) > LONGEST_TEXT:
        line = line[:LONGEST_TEXT].rpartition(" ")[0] or line[:LONGEST_TEXT]
    return line or STAND_INS[TEXT.key]
