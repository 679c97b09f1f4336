"""An index file: a table whose rows name files, or hold texts themselves, and their labels."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Format, Task

from transfermodel_trainer.data.classes import MOST_SAMPLES, Classes, checked_label, is_plain
from transfermodel_trainer.data.nouns import nouns
from transfermodel_trainer.data.tables import Table
from transfermodel_trainer.errors import RunError

SUFFIXES: Final = (".csv", ".jsonl")
MOST_BYTES: Final = 4 << 30
"""Of an index file. It is read row by row: memory holds names and labels alone."""
SHOWN_LINES: Final = 5


@dataclass(frozen=True)
class Index:
    """What an index file says."""

    classes: Classes
    texts: bool
    """Whether its rows hold the texts themselves: then members are called <file>:<line>."""


def is_index(uri: str) -> bool:
    """Tell whether the URI names an index file."""
    return uri.endswith(SUFFIXES)


def read_index(
    pieces: Iterable[bytes], uri: str, columns: Format, *, role: str = "train", task: Task = "ImageClassification"
) -> Index:
    """Return the classes of the files that the index names, or of the texts that it holds.

    Args:
        pieces: the content of the file, in order.
        uri: of the file.
        columns: what its columns are called.
        role: which of the data's fields names it.
        task: with TextClassification rows may hold texts.

    Raises:
        RunError: DataInvalid with the lines that are wrong, or TooFewClasses.
    """
    table = Table(uri, role, columns, task)
    labels: dict[str, tuple[str, int]] = {}
    problems = _Problems(table)
    repeated, texts = 0, False
    for line, content, label_value, texts in table.rows(pieces):
        try:
            if texts:
                text_of(content)
            name = text_name(uri, line) if texts else path_of(content)
            label = label_of(label_value)
        except ValueError as error:
            problems.add(line, str(error))
            continue
        before = labels.setdefault(name, (label, line))
        if before[1] != line:
            repeated += 1
            if before[0] != label:
                problems.add(line, f"{name} is {label} here, and {before[0]} in line {before[1]}")
        if len(labels) > MOST_SAMPLES:
            raise table.invalid(f"it has more than {MOST_SAMPLES} rows: take a part of them")
    problems.refuse()
    return Index(_classes(table, labels, repeated), texts)


def texts(pieces: Iterable[bytes], uri: str, columns: Format, *, role: str, task: Task) -> Iterator[tuple[str, bytes]]:
    """Yield the texts of an index file that holds them, in UTF-8, by the names that read_index gave them."""
    for row in Table(uri, role, columns, task).rows(pieces):
        yield text_name(uri, row.line), text_of(row.content).encode()


def text_name(uri: str, line: int) -> str:
    """Return what a text of an index file is called."""
    return f"{uri[uri.rfind('/') + 1 :]}:{line}"


def text_of(value: Any) -> str:
    """Return a text as it stands; an empty one is none that can be read. Raises ValueError with what is wrong."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{json.dumps(value)[:80]} is no text: put it in quotes")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text holds half of a character ({value[error.start]!a}): write it whole") from error
    return value


def path_of(value: Any) -> str:
    """Return the path of a file below the index file's folder. Raises ValueError with what is wrong with it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("no file is named")
    path = value.strip().replace("\\", "/")
    parts = PurePosixPath(path).parts
    if "://" in path:
        raise ValueError(f"{path} is a URI: name files relative to the index file's folder")
    if path.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
        raise ValueError(f"{path} leads out of the index file's folder: put the index file and its files under one")
    if not parts or not is_plain(path):
        raise ValueError(f"{path!a} is no file name")
    return "/".join(parts)


def label_of(value: Any) -> str:
    """Return a label; whole numbers count as their digits. Raises ValueError with what is wrong with it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ValueError("the label is empty")
    if not isinstance(value, str):
        raise ValueError(f"the label {json.dumps(value)[:80]} is neither text nor a whole number")
    return checked_label(value.strip())


class _Problems:
    """What is wrong with the rows: the first few, and how many there are."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.shown: list[str] = []
        self.count = 0

    def add(self, line: int, problem: str) -> None:
        self.count += 1
        if self.count <= SHOWN_LINES:
            self.shown.append(f"line {line}: {problem}")

    def refuse(self) -> None:
        """Raise RunError where there was any."""
        if self.count:
            rest = self.count - len(self.shown)
            raise self.table.invalid("; ".join(self.shown) + (f"; and {rest} more lines are wrong" if rest else ""))


def _classes(table: Table, labels: dict[str, tuple[str, int]], repeated: int) -> Classes:
    """Return the classes, the samples of each by name."""
    kinds = tuple(sorted({label for label, _ in labels.values()}))
    if not kinds:
        raise table.invalid(f"it has no rows: add one for each {nouns(table.task).one}")
    if len(kinds) < 2 and table.role == "train":
        raise RunError(
            Reason.TOO_FEW_CLASSES,
            f"spec.data.{table.role}.uri {table.uri} holds only one label ({kinds[0]}); a classifier needs at least "
            "two.",
        )
    number = {label: position for position, label in enumerate(kinds)}
    members = sorted((number[label], name) for name, (label, _) in labels.items())
    return Classes(kinds, tuple((name, label) for label, name in members), outside=0, repeated=repeated)
