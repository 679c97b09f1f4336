"""Tables as files, CSV or JSON lines, read row by row: a table may be larger than memory."""

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, NamedTuple, NoReturn

from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Format, Task

from transfermodel_trainer.data.nouns import nouns
from transfermodel_trainer.errors import RunError, listed

LONGEST_LINE: Final = 4 << 20
"""In bytes."""
LONGEST_VALUE: Final = 1 << 20
"""In characters; far more than any text encoder reads of one text."""


class Row(NamedTuple):
    """One row, as the file has it: nothing is checked but that the columns are there."""

    line: int
    """Where it begins, from 1."""
    content: Any
    """The path of a file, or the text itself."""
    label: Any
    is_text: bool
    """Whether `content` is the text itself."""


class Table:
    """One table by its URI; its sentences name it."""

    def __init__(self, uri: str, role: str, columns: Format, task: Task) -> None:
        """Take what it is, and what its columns are called."""
        self.uri, self.role, self.columns, self.task = uri, role, columns, task

    def invalid(self, what: str) -> RunError:
        """Return the error that says what is wrong with it."""
        return RunError(Reason.DATA_INVALID, f"spec.data.{self.role}.uri {self.uri}: {what}.")

    def rows(self, pieces: Iterable[bytes]) -> Iterator[Row]:
        """Yield the rows of the file that comes in pieces.

        Raises:
            RunError: DataInvalid, with the line, for what is no such table or lacks a column.
        """
        lines = self._decoded(self._lines(pieces))
        return self._csv_rows(lines) if self.uri.endswith(".csv") else self._json_rows(lines)

    def _lines(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines, with the line feed that ends them."""
        begun, count = bytearray(), 0
        for piece in pieces:
            begun += piece
            if b"\n" in piece:
                *whole, rest = bytes(begun).split(b"\n")
                for line in whole:
                    yield line + b"\n"
                count += len(whole)
                begun = bytearray(rest)
            if len(begun) > LONGEST_LINE:
                raise self.invalid(f"line {count + 1} is longer than {LONGEST_LINE >> 20} MiB: shorten its values")
        if begun:
            yield bytes(begun)

    def _decoded(self, lines: Iterable[bytes]) -> Iterator[str]:
        """Yield the lines as text; a byte order mark, which spreadsheets write, is no part of it."""
        for number, line in enumerate(lines, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                self._not_utf8(number, error)
            if "\0" in text:  # UTF-16 without a byte order mark looks like this
                self._not_utf8(number)
            yield text

    def _not_utf8(self, line: int, cause: Exception | None = None) -> NoReturn:
        raise self.invalid(f"line {line} is not UTF-8: save the file with the encoding UTF-8") from cause

    def _csv_rows(self, lines: Iterable[str]) -> Iterator[Row]:
        # Old spreadsheets end lines with a carriage return alone: StringIO splits there, too.
        split = (part for line in lines for part in (io.StringIO(line, newline="") if "\r" in line else (line,)))
        csv.field_size_limit(LONGEST_VALUE)
        reader = csv.reader(split, strict=True, skipinitialspace=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if not header:
                raise self.invalid("the file is empty: its first line must name the columns")
            content = self._content_column(header)
            self._check_header(header, content)
            begins = reader.line_num + 1
            for values in reader:
                if values:
                    self._check_width(begins, values, header)
                    row = dict(zip(header, values, strict=False))
                    yield self._row(begins, row, content)
                begins = reader.line_num + 1
        except csv.Error as error:
            if "field larger than" in str(error):
                raise self.invalid(
                    f"a value that ends in line {reader.line_num} has more than {LONGEST_VALUE} characters: shorten "
                    "it, or close the quotes that begin it"
                ) from error
            raise self.invalid(
                f"line {reader.line_num} is no CSV ({error}): put texts with commas in quotes, and write a quote in "
                "them twice"
            ) from error

    def _check_width(self, line: int, values: list[str], header: list[str]) -> None:
        """Refuse values beyond the columns: a comma in a text would cut it, and move its label."""
        if any(value.strip() for value in values[len(header) :]):
            raise self.invalid(
                f"line {line} has {len(values)} values for {len(header)} columns: put values with commas in quotes"
            )

    def _check_header(self, header: list[str], content: str) -> None:
        for name in (content, self.columns.label_column):
            if header.count(name) > 1:
                raise self.invalid(f"two columns are called {name}: rename one of them")
            if name not in header:
                separators = [mark for mark in ";\t|" if len(header) == 1 and mark in header[0]]
                hint = f"; columns are separated by commas, not by {separators[0]!r}" if separators else ""
                raise self.invalid(
                    f"there is no column {name} among {listed(header, 10)}{hint}: rename a column, or set "
                    f"{self._fields(name)}"
                )

    def _json_rows(self, lines: Iterable[str]) -> Iterator[Row]:
        content = None
        for line, entry in enumerate(lines, start=1):
            if not entry.strip():
                continue
            try:
                row = json.loads(entry)
            except (ValueError, RecursionError) as error:
                raise self.invalid(f"line {line} is no JSON ({error}): write one object per line") from error
            if not isinstance(row, dict):
                raise self.invalid(f"line {line} is no JSON object: write one object per line")
            content = content or self._content_column(row)
            for key in (content, self.columns.label_column):
                if key not in row:
                    raise self.invalid(
                        f"line {line} has no key {key}, only {listed([str(name) for name in row], 10) or 'none'}: "
                        f"add it, or set {self._fields(key)}"
                    )
            yield self._row(line, row, content)

    def _content_column(self, names: Collection[str]) -> str:
        """Return the column with the content: the text itself, where the task is text and there is such a column."""
        columns = self.columns
        if self.task != "TextClassification":
            content = columns.path_column
        elif columns.text_column in names or columns.path_column not in names:
            content = columns.text_column
        else:
            content = columns.path_column
        if content == columns.label_column:
            raise self.invalid(
                f"the column {content} cannot be both the {nouns(self.task).one} and its label: set "
                f"{self._fields(content)}"
            )
        return content

    def _fields(self, column: str) -> str:
        """Return the fields of the spec that name the column."""
        if column == self.columns.label_column:
            return "spec.data.format.labelColumn"
        if self.task == "TextClassification":
            return "spec.data.format.textColumn (or pathColumn, for a table of files)"
        return "spec.data.format.pathColumn"

    def _row(self, line: int, row: dict[str, Any], content: str) -> Row:
        is_text = self.task == "TextClassification" and content == self.columns.text_column
        return Row(line, row.get(content), row.get(self.columns.label_column), is_text)
