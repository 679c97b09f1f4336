"""What a file of TransferModels holds, and what is wrong with it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from transfermodel_operator.api import TransferModelSpec

DEFAULT_NAMESPACE = "default"


class Target(StrEnum):
    """Where a file is to run; file:// and relative paths mean something on this machine alone."""

    LOCAL = "local"
    CLUSTER = "cluster"


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
