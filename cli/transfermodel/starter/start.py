"""From a folder or a table to a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transfermodel_operator.api.spec import Task

from transfermodel.documents import Target, check_text
from transfermodel.errors import DocumentInvalid, UsageError
from transfermodel.starter.choosing import Chosen, choose, name_of
from transfermodel.starter.looking import look
from transfermodel.starter.types import Found
from transfermodel.starter.writing import write


@dataclass(frozen=True)
class Started:
    """A file that was written."""

    file: Path
    name: str
    text: str
    found: Found
    chosen: Chosen

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "file": str(self.file),
            "name": self.name,
            "data": self.found.to_wire(),
            "training": self.chosen.training,
            "note": self.chosen.note,
        }


def start(
    root: Path,
    *,
    out: Path | None = None,
    name: str | None = None,
    force: bool = False,
    weights: Path | None = None,
    scratch: bool = False,
    base: str | None = None,
    task: Task | None = None,
) -> Started:
    """Write a TransferModel for a folder or a table of images, texts or recordings.

    Args:
        root: class folders, splits of them, or an index file.
        out: the file; default: <name>.yaml in the current folder.
        name: of the TransferModel; default: made of the folder's.
        force: write over a file that is there.
        weights: what to start from: a .safetensors file, of texts the folder or an archive of an encoder.
        scratch: start from random weights.
        base: a TransferModel to start from.
        task: what is to be learned; default: what the samples say.

    Raises:
        UsageError: the arguments are wrong, or the file is there already.
        DataInvalid: nothing can be learned from the folder.
        DocumentInvalid: the name is none.
    """
    called = name or name_of(root.absolute().stem if root.is_file() else root.absolute().name)
    file = out or Path(f"{called}.yaml")
    _check_free(file, force=force)
    found = look(root, task)
    chosen = choose(found, weights=weights, scratch=scratch, base=base)
    text = write(found, chosen, called, file)
    # Only a name from the command line can be wrong.
    if errors := check_text(text, file, Target.LOCAL).errors:
        raise DocumentInvalid(errors[0].sentence, errors[0].remedy)
    file.write_text(text, encoding="utf-8")
    return Started(file, called, text, found, chosen)


def _check_free(file: Path, *, force: bool) -> None:
    if file.is_dir():
        raise UsageError(f"{file} is a folder.", f"Name a file in it: --out {file / 'model.yaml'}")
    if file.exists() and not force:
        raise UsageError(f"{file} is there already.", "Give another --out FILE, or --force to write over it.")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {file.parent}.", f"Create it: mkdir -p {file.parent}")
