"""What a file of TransferModels holds, and what is wrong with it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from transfermodel_operator.api import TransferModelSpec

DEFAULT_NAMESPACE = "default"
_PREDICATES = ("must ", "has ", "is ")
"""How messages begin whose subject is the field."""


class Target(StrEnum):
    """Where a file is to run; file:// and relative paths mean something on this machine alone."""

    LOCAL = "local"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Place:
    """Where a field stands in its file; lines and columns count from 1."""

    line: int
    """Of the field's name; of an item of a list or of a document: where it begins."""
    column: int
    value_line: int | None = None
    value_column: int | None = None
    text: str | None = None
    """A scalar as it was written."""

    @property
    def of_value(self) -> "Place":
        """Return the place of the value."""
        return Place(self.value_line or self.line, self.value_column or self.column, text=self.text)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, before it is known in which file."""

    place: Place
    path: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that had better be looked at, with its place."""

    severity: Literal["error", "warning"]
    file: str
    line: int | None
    """From 1; None: of the file as a whole."""
    column: int | None
    path: str
    """Of the field, such as spec.backbone.weights; empty: of the whole document."""
    message: str
    remedy: str

    @property
    def place(self) -> str:
        """Return file:line:column, as compilers say it."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    @property
    def sentence(self) -> str:
        """Return the message as a sentence that names its field."""
        if self.path and self.message.startswith(_PREDICATES):
            return f"{self.path} {self.message}."
        named = not self.path or self.path.rpartition(".")[2] in self.message
        return f"{self.message}." if named else f"{self.path}: {self.message}."

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return dict(vars(self))


@dataclass(frozen=True)
class Document:
    """One valid TransferModel of a file."""

    file: Path
    """As given; "-" for standard input."""
    folder: Path
    """Absolute; what relative paths in the spec are relative to: the file's own folder."""
    name: str
    namespace: str
    """`default` where the file says none."""
    spec: TransferModelSpec
    """As written: relative paths are still relative."""
    manifest: dict[str, Any]
    """The whole document as written, for `kubectl apply`."""
    lines: dict[str, tuple[int, int]]
    """Path of each field, such as spec.data.train.uri -> (line, column), from 1."""

    def to_yaml(self) -> str:
        """Return the text of a file that holds it."""
        from transfermodel.documents.writing import yaml_of

        return yaml_of(self.manifest)


@dataclass(frozen=True)
class Checked:
    """What a file holds and all that is wrong with it."""

    file: str
    """As given; "-" for standard input."""
    documents: tuple[Document, ...]
    """Those without an error, in the order of the file."""
    findings: tuple[Finding, ...]
    """In the order of the file."""
    source: tuple[str, ...]
    """The file's lines, to show a finding in its place."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return the findings that keep the file from being run."""
        return tuple(finding for finding in self.findings if finding.severity == "error")
