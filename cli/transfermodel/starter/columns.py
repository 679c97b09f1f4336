"""Which columns of a table hold the samples and their labels: by their names, else by what they hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from transfermodel_operator.api.spec import Task

from transfermodel.errors import DataInvalid, UsageError
from transfermodel.modalities import IMAGE, MODALITIES, TEXT, Modality
from transfermodel.predictions.inputs import file_named
from transfermodel.starter.types import Columns

Row = Mapping[str, Any]

PATH_NAMES: Final = (
    *("file", "path", "filename", "file_name", "filepath", "file_path"),
    *("image", "image_path", "img", "audio", "audio_path", "recording", "wav"),
)
TEXT_NAMES: Final = ("text", "sentence", "review", "message", "comment", "content", "body", "utterance", "question")
LABEL_NAMES: Final = ("label", "class", "category", "target", "species", "sentiment", "intent", "y")
TRIED_ROWS: Final = 50
WORDS_OF_A_TEXT: Final = 2.0
"""On average: a column with fewer holds names or numbers."""


def columns_of(rows: Sequence[Row], path: Path, task: Task | None) -> tuple[Columns, Modality]:
    """Return the columns of a table with the samples and with their labels, and what the samples are.

    Args:
        rows: of the table, one at least.
        path: of the table.
        task: what is to be learned; default: what the table says.

    Raises:
        UsageError: it names files and holds texts, too.
        DataInvalid: it has no column of samples, or none of labels.
    """
    names = [str(name) for name in rows[0] if name is not None]
    label = _named(names, LABEL_NAMES)
    files = _named(names, PATH_NAMES) or next((name for name in names if _names_files(rows, name, path)), None)
    others = [name for name in names if name not in (files, label)]
    texts = _named(others, TEXT_NAMES)
    if texts is None and files is None:
        texts = _longest(rows, others)
    wanted = MODALITIES[task] if task else None
    if wanted not in (None, TEXT):
        texts = None
    modality = wanted or (_kind(rows, files) if files else TEXT)
    if files is not None and texts is not None and modality is not TEXT and wanted is None:
        raise UsageError(
            f"{path} names {modality.many} in its column {files}, and holds texts in {texts}.",
            f"Say what to learn from: --task {modality.task} or --task {TEXT.task}.",
        )
    content = (texts or files) if modality is TEXT else files
    if content is None:
        what = "names files or holds texts" if wanted is None else f"holds {wanted.many}"
        raise DataInvalid(
            f"No column of {path} {what}; it has {', '.join(names)}.",
            "Call it file, with paths relative to the folder of the index file, or text.",
        )
    label = label or _fewest_values(rows, [name for name in names if name != content])
    if label is None:
        raise DataInvalid(f"No column of {path} holds labels; it has {', '.join(names)}.", "Call it label.")
    empty = next((number for number, row in enumerate(rows, start=1) if not str(row.get(label) or "").strip()), None)
    if empty is not None:
        raise DataInvalid(f"Row {empty} of {path} has no {label}.", f"Write the class of the {modality.one} there.")
    return Columns(content, label, texts=content == texts), modality


def _named(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the column that is called as one of these, the first of them that there is."""
    by_lower = {name.strip().lower(): name for name in names}
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def _names_files(rows: Sequence[Row], name: str, path: Path) -> bool:
    return all(file_named(str(row.get(name) or ""), path) is not None for row in rows[:TRIED_ROWS])


def _kind(rows: Sequence[Row], column: str) -> Modality:
    """Return what most of the named files are, by their names; images where these say nothing."""
    values = [str(row.get(column) or "").strip().lower() for row in rows[:TRIED_ROWS]]
    kinds = Counter(each.task for value in values for each in MODALITIES.values() if value.endswith(each.suffixes))
    return MODALITIES[kinds.most_common(1)[0][0]] if kinds else IMAGE


def _longest(rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """Return the column with the most words, if it holds texts at all."""
    tried = rows[:TRIED_ROWS]
    words = {name: sum(len(str(row.get(name) or "").split()) for row in tried) / len(tried) for name in names}
    longest = max(words, key=lambda name: words[name], default=None)
    return longest if longest is not None and words[longest] >= WORDS_OF_A_TEXT else None


def _fewest_values(rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """Return the column whose values repeat most, if any do."""
    values = {name: len({str(row.get(name)) for row in rows}) for name in names}
    likely = [name for name in names if 2 <= values[name] <= len(rows) // 2]
    return min(likely, key=lambda name: values[name], default=None)
