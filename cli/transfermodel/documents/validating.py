"""Files and folders judged for both places where a TransferModel can run."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from transfermodel.documents.check import STANDARD_INPUT, check_text, read_text
from transfermodel.documents.types import Checked, Document, Finding, Target
from transfermodel.errors import UsageError

_SUFFIXES: Final = (".yaml", ".yml")
_OURS: Final = re.compile(r"""^["'\s]*kind["']?\s*:\s*["']?TransferModel\b""", re.MULTILINE)


class Wanted(StrEnum):
    """Where a file has to run to be called valid."""

    EITHER = "either"
    LOCAL = "local"
    CLUSTER = "cluster"
    BOTH = "both"


@dataclass(frozen=True)
class Verdict:
    """One file: where it runs, and why not elsewhere."""

    local: Checked
    cluster: Checked
    wanted: Wanted

    @property
    def file(self) -> str:
        """Return the file as given."""
        return self.local.file

    @property
    def source(self) -> tuple[str, ...]:
        """Return the file's lines."""
        return self.local.source

    @property
    def runs_here(self) -> bool:
        """Tell whether it runs on this machine."""
        return not self.local.errors

    @property
    def runs_in_a_cluster(self) -> bool:
        """Tell whether a cluster takes it."""
        return not self.cluster.errors

    @property
    def valid(self) -> bool:
        """Tell whether it runs where it has to."""
        return {
            Wanted.EITHER: self.runs_here or self.runs_in_a_cluster,
            Wanted.LOCAL: self.runs_here,
            Wanted.CLUSTER: self.runs_in_a_cluster,
            Wanted.BOTH: self.runs_here and self.runs_in_a_cluster,
        }[self.wanted]

    @property
    def documents(self) -> tuple[Document, ...]:
        """Return the TransferModels that run somewhere."""
        return (
            self.local.documents if len(self.local.documents) >= len(self.cluster.documents) else self.cluster.documents
        )

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return what has to be mended for the file to run where it has to, each once, in the order of the file.

        Where it runs in one place and that is enough, this is empty.
        """
        if self.valid:
            return ()
        relevant = {
            Wanted.EITHER: self.local.errors,
            Wanted.LOCAL: self.local.errors,
            Wanted.CLUSTER: self.cluster.errors,
            Wanted.BOTH: self.cluster.errors + self.local.errors,
        }[self.wanted]
        first = {(finding.line, finding.column, finding.message): finding for finding in reversed(relevant)}
        return tuple(sorted(first.values(), key=lambda finding: (finding.line or 0, finding.column or 0)))

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """Return what keeps a valid file from running in the other place, too."""
        if not self.valid or self.wanted in (Wanted.LOCAL, Wanted.CLUSTER):
            return ()
        return self.cluster.errors or self.local.errors

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "file": self.file,
            "valid": self.valid,
            "runs": {"local": self.runs_here, "cluster": self.runs_in_a_cluster},
            "models": [{"namespace": each.namespace, "name": each.name} for each in self.documents],
            "findings": [each.to_wire() for each in self.errors],
            "obstacles": [each.to_wire() for each in self.obstacles],
        }


def validate(paths: Sequence[Path], wanted: Wanted = Wanted.EITHER) -> list[Verdict]:
    """Judge files, folders of files, and "-" for standard input.

    Raises:
        UsageError: a file cannot be read, or a folder holds no TransferModel.
    """
    return [_verdict(path, wanted) for path in _files(paths)]


def _verdict(path: Path, wanted: Wanted) -> Verdict:
    # Read once: standard input can be read only once.
    text, problem = read_text(path)
    local, cluster = (check_text(text, path, target, problem=problem) for target in (Target.LOCAL, Target.CLUSTER))
    return Verdict(local, cluster, wanted)


def _files(paths: Iterable[Path]) -> list[Path]:
    """Return the files meant; of a folder those that hold a TransferModel, in the order of their names."""
    files: dict[Path, None] = {}
    for path in paths:
        if str(path) == STANDARD_INPUT or not path.is_dir():
            files[path] = None
            continue
        found = [each for each in sorted(path.rglob("*")) if each.suffix in _SUFFIXES and _holds_one(each)]
        if not found:
            raise UsageError(f"The folder {path} holds no TransferModel.", "Name a file, or another folder.")
        files.update(dict.fromkeys(found))
    return list(files)


def _holds_one(path: Path) -> bool:
    """Tell whether a file says `kind: TransferModel`: folders hold other manifests, too."""
    hidden = any(part.startswith(".") and part not in (".", "..") for part in path.parts)
    return (
        not hidden and path.is_file() and _OURS.search(path.read_text(encoding="utf-8", errors="replace")) is not None
    )
