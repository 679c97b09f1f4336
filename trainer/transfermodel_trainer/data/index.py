"""An index file: a table, as CSV or JSON lines, whose rows name image files and their labels."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Format

from transfermodel_trainer.data.classes import Classes
from transfermodel_trainer.errors import RunError, listed

SUFFIXES = (".csv", ".jsonl")
MOST_BYTES = 256 << 20
LONGEST_LABEL = 255
SHOWN_LINES = 5

Row = tuple[int, dict[str, Any]]
"""The line that it ends in, and its values by column."""


def is_index(uri: str) -> bool:
    """Tell whether the URI names an index file."""
    return uri.endswith(SUFFIXES)


def read_index(content: bytes, uri: str, columns: Format, *, role: str = "train") -> Classes:
    """Return the classes of the files that the index names.

    Raises:
        RunError: DataInvalid with the lines that are wrong, or TooFewClasses.
    """
    index = _Index(uri, role)
    text = index.decoded(content)
    rows = index.csv_rows(text, columns) if uri.endswith(".csv") else index.json_rows(text, columns)
    labels: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[tuple[int, str]] = []
    repeated = 0
    for line, row in rows:
        try:
            name, label = path_of(row.get(columns.path_column)), label_of(row.get(columns.label_column))
        except ValueError as error:
            problems.append((line, str(error)))
            continue
        if name in labels and labels[name] != label:
            problems.append((line, f"{name} is {label} here, and {labels[name]} in line {lines[name]}"))
        repeated += name in labels
        labels.setdefault(name, label)
        lines.setdefault(name, line)
    if problems:
        index.refuse(problems)
    return index.classes(labels, repeated)


def path_of(value: Any) -> str:
    """Return the path of a file below the index file's folder. Raises ValueError with what is wrong with it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("no file is named")
    path = value.strip().replace("\\", "/")
    parts = PurePosixPath(path).parts
    if "://" in path:
        raise ValueError(f"{path} is a URI: name files relative to the index file's folder")
    if path.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
        raise ValueError(f"{path} leads out of the index file's folder: put index file and images under one folder")
    if not parts or any(ord(character) < 32 for character in path):
        raise ValueError(f"{path!r} is no file name")
    return "/".join(parts)


def label_of(value: Any) -> str:
    """Return a label; whole numbers count as their digits. Raises ValueError with what is wrong with it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ValueError("the label is empty")
    if not isinstance(value, str):
        raise ValueError(f"the label {json.dumps(value)[:80]} is neither text nor a whole number")
    label = value.strip()
    if len(label) > LONGEST_LABEL or any(ord(character) < 32 for character in label):
        raise ValueError(f"the label {label[:40]!r} is too long (more than {LONGEST_LABEL}), or not on one line")
    return label


class _Index:
    """One index file, for its sentences."""

    def __init__(self, uri: str, role: str) -> None:
        self.uri, self.role = uri, role

    def invalid(self, what: str) -> RunError:
        return RunError(Reason.DATA_INVALID, f"spec.data.{self.role}.uri {self.uri}: {what}.")

    def refuse(self, problems: list[tuple[int, str]]) -> None:
        shown = "; ".join(f"line {line}: {problem}" for line, problem in problems[:SHOWN_LINES])
        more = f"; and {len(problems) - SHOWN_LINES} more lines are wrong" if len(problems) > SHOWN_LINES else ""
        raise self.invalid(shown + more)

    def decoded(self, content: bytes) -> str:
        """Return the text; a byte order mark, which spreadsheets write, is no part of it."""
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise self.invalid(f"line {line} is not UTF-8: save the file with the encoding UTF-8") from error

    def csv_rows(self, text: str, columns: Format) -> Iterator[Row]:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            self.check_header(header, columns)
            for row in reader:
                if row:
                    yield reader.line_num, dict(zip(header, row, strict=False))
        except csv.Error as error:
            raise self.invalid(
                f"line {reader.line_num} is no CSV ({error}): put texts with commas in quotes"
            ) from error

    def check_header(self, header: list[str], columns: Format) -> None:
        """Refuse a table without the columns."""
        if not header:
            raise self.invalid("the file is empty: its first line must name the columns")
        for field, name in (("pathColumn", columns.path_column), ("labelColumn", columns.label_column)):
            if header.count(name) > 1:
                raise self.invalid(f"two columns are called {name}: rename one of them")
            if name not in header:
                separators = [mark for mark in ";\t|" if len(header) == 1 and mark in header[0]]
                hint = f"; columns are separated by commas, not by {separators[0]!r}" if separators else ""
                raise self.invalid(
                    f"there is no column {name} among {listed(header, 10)}{hint}: rename a column, or set "
                    f"spec.data.format.{field}"
                )

    def json_rows(self, text: str, columns: Format) -> Iterator[Row]:
        keys = {"pathColumn": columns.path_column, "labelColumn": columns.label_column}
        for line, entry in enumerate(text.split("\n"), start=1):
            if not entry.strip():
                continue
            try:
                row = json.loads(entry)
            except ValueError as error:
                raise self.invalid(f"line {line} is no JSON ({error}): write one object per line") from error
            if not isinstance(row, dict):
                raise self.invalid(f"line {line} is no JSON object: write one object per line")
            for field, key in keys.items():
                if key not in row:
                    raise self.invalid(
                        f"line {line} has no key {key}, only {listed([str(name) for name in row], 10) or 'none'}: "
                        f"add it, or set spec.data.format.{field}"
                    )
            yield line, row

    def classes(self, labels: dict[str, str], repeated: int) -> Classes:
        """Return the classes, the files of each in order."""
        kinds = tuple(sorted(set(labels.values())))
        if not kinds:
            raise self.invalid("it has no rows: add one for each image")
        if len(kinds) < 2 and self.role == "train":
            raise RunError(
                Reason.TOO_FEW_CLASSES,
                f"spec.data.{self.role}.uri {self.uri} holds only one label ({kinds[0]}); a classifier needs at least "
                "two.",
            )
        number = {label: position for position, label in enumerate(kinds)}
        members = sorted((number[label], name) for name, label in labels.items())
        return Classes(kinds, tuple((name, label) for label, name in members), outside=0, repeated=repeated)
