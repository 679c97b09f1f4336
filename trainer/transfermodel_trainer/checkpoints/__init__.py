"""What a run had finished when it was interrupted, on this machine's disk: the same run goes on from there.

A safetensors file for everything that takes long, with its facts as JSON in the header, and checkpoint.json, which says
whose they are. There is no pickle: a checkpoint is read as data. A file is written beside its name and then renamed, so
what is there is whole; a checksum finds what a disk or a crash of the machine did to it. Nothing here ends a run: what
cannot be read is computed again, and what cannot be written is said once.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open
from transfermodel_operator.api import RunRequest

from transfermodel_trainer.progress import Progress

if TYPE_CHECKING:  # torch takes seconds to import, and a run may end before it needs it
    from torch import Tensor

VARIABLE = "TRANSFERMODEL_CHECKPOINTS"
"""Environment variable that names the folder; without it nothing is kept."""
FORMAT = 1
"""To be raised with any change of the training after which a checkpoint would lead to other bits."""
LIBRARIES = ("numpy", "pillow", "torch", "torchvision")
"""With another version of these the same inputs may give other bits."""
OWNER = "checkpoint.json"


class Owner(BaseModel):
    """checkpoint.json."""

    identity: dict[str, Any]
    seconds: dict[str, float]
    """Spent on the run so far, by phase; `total` counts towards maxDurationSeconds."""


@dataclass(frozen=True)
class Saved:
    """The content of one file."""

    tensors: "dict[str, Tensor]"
    facts: Any


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        """Take the folder; nothing is read yet."""
        self.progress = progress
        self._folder = folder
        self._identity: dict[str, Any] = {}
        self._complained = False

    @classmethod
    def of(cls, environment: Mapping[str, str], progress: Progress) -> "Checkpoints | None":
        """Return those that the environment asks for, if it does."""
        folder = environment.get(VARIABLE)
        return cls(Path(folder), progress) if folder else None

    def open(self, request: RunRequest, inputs_digest: str, device: str) -> None:
        """Take up what an interrupted run of the same inputs left; what another left is removed."""
        self._identity = identity(request, inputs_digest, device)
        owner = self._owner()
        if owner is not None and owner.identity == self._identity:
            self.progress.resume(owner.seconds)
            return
        if owner is not None:
            differing = [key for key, value in self._identity.items() if owner.identity.get(key) != value]
            self._ignored(f"is of another run (another {', '.join(differing)})")
        elif any(self._files()):
            self._ignored("cannot be read")
        self.remove()
        with self._writing():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write_owner()

    def load(self, name: str) -> Saved | None:
        """Return what was saved under the name, or None when there is nothing that can be used."""
        path = self._path(name)
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                saved = Saved(
                    {key: file.get_tensor(key) for key in file.keys()},  # noqa: SIM118 - it is no dictionary
                    json.loads(header["facts"]),
                )
            if header["digest"] == digest(saved.tensors, header["facts"]):
                return saved
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, ValueError, KeyError):
            pass
        self._ignored("is damaged", path)
        path.unlink(missing_ok=True)
        return None

    def save(self, name: str, tensors: "dict[str, Tensor]", facts: Any) -> bool:
        """Keep tensors and facts (JSON) under the name, in place of what was kept there; tell whether that is done."""
        from safetensors.torch import save_file

        stored = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        text = json.dumps(facts)
        part = self._path(name).with_suffix(".part")
        with self._writing():
            try:
                save_file(stored, part, metadata={"facts": text, "digest": digest(stored, text)})
                part.replace(self._path(name))
                self._write_owner()
                return True
            finally:
                part.unlink(missing_ok=True)
        return False

    def remove(self) -> None:
        """Remove every file of ours: the run is over, or it is not the one that left them."""
        with contextlib.suppress(OSError):
            for path in self._files():
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        # safetensors itself writes to .tmp… first, which stays when the process is killed meanwhile.
        for pattern in (OWNER, "checkpoint-*.safetensors", "checkpoint*.part", ".tmp*"):
            yield from self._folder.glob(pattern)

    def _path(self, name: str) -> Path:
        return self._folder / f"checkpoint-{name.replace(' ', '-')}.safetensors"

    def _owner(self) -> Owner | None:
        try:
            return Owner.model_validate_json((self._folder / OWNER).read_bytes())
        except (OSError, ValidationError):
            return None

    def _write_owner(self) -> None:
        owner = Owner(identity=self._identity, seconds=self.progress.spent())
        part = self._folder / f"{OWNER}.part"
        part.write_text(owner.model_dump_json() + "\n")
        part.replace(self._folder / OWNER)

    def _ignored(self, why: str, path: Path | None = None) -> None:
        self.progress.say(f"The checkpoint {path or self._folder} {why}: it is not used.")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Say once that checkpoints cannot be written; the run goes on without."""
        try:
            yield
        except (OSError, SafetensorError) as error:
            if not self._complained:
                self.progress.say(
                    f"Warning: no checkpoint can be written to {self._folder} ({error}): the run goes on, but once "
                    "interrupted it starts from the last one that could. Make room there."
                )
            self._complained = True


def identity(request: RunRequest, inputs_digest: str, device: str) -> dict[str, Any]:
    """Return what must be equal for a checkpoint to lead to the same bits."""
    wire = request.to_wire()
    training = {key: value for key, value in request.training.to_wire().items() if key != "maxDurationSeconds"}
    return {
        "format": FORMAT,
        "run": request.run,
        "data": [wire["data"], inputs_digest],
        "backbone": wire["backbone"],
        "training": training,
        "device": device,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def digest(tensors: "dict[str, Tensor]", facts: str) -> str:
    """Return the SHA-256 (hex) over the names and bytes of contiguous tensors on the CPU, and the facts."""
    total = hashlib.sha256(facts.encode())
    for name in sorted(tensors):
        total.update(f"\0{name}\0".encode())
        total.update(tensors[name].reshape(-1).numpy().view("uint8").data)
    return total.hexdigest()
