"""What a run had finished when it was interrupted, in storage: the same run goes on from there.

Every checkpoint is one object, written whole, that says itself whose it is; of each name the last two are kept, so that
a damaged one leads to the one before. checkpoint.json holds the seconds that the run took so far, those of a process
that ended before its first checkpoint, too. Nothing here ends a run: what cannot be read is computed again, and what
cannot be written is said once.
"""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from transfermodel_operator.api import RunRequest
from transfermodel_predictor.artifact.errors import StorageError, StorageNotFound
from transfermodel_predictor.artifact.storage import Storage, open_store

from transfermodel_trainer.checkpoints.content import Damaged, Saved, read, write
from transfermodel_trainer.checkpoints.origin import differing, identity, this_machine
from transfermodel_trainer.limits import Limits
from transfermodel_trainer.progress import Progress

if TYPE_CHECKING:  # torch takes seconds to import, and a run may end before it needs it
    from torch import Tensor

__all__ = ["VARIABLE", "Checkpoints", "Saved"]

VARIABLE: Final = "TRANSFERMODEL_CHECKPOINTS"
"""Environment variable that names a folder of this machine; without it they lie in the run's folder in storage."""
OWNER: Final = "checkpoint.json"
NAME: Final = re.compile(r"checkpoint-(?P<name>.+)-(?P<number>\d{6})\.safetensors")
GENERATIONS: Final = 2
"""Of each name: the newest, and the one before in case that is damaged."""
CLOCK_SECONDS: Final = 30.0
"""How much of the time spent is forgotten at most when the process is killed."""


class Owner(BaseModel):
    """checkpoint.json."""

    identity: dict[str, Any]
    seconds: dict[str, float]
    """Spent on the run so far, by phase; `total` counts towards maxDurationSeconds."""


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, storage: Storage, progress: Progress, limits: Limits | None = None) -> None:
        """Take the folder; nothing is read yet."""
        self.progress = progress
        self._storage = storage
        self._limits = limits or Limits.none()
        self._identity: dict[str, Any] = {}
        self._machine: dict[str, Any] = {}
        self._counted: dict[str, float] = {}
        self._numbers: dict[str, list[int]] = {}
        self._complained = False
        self._writing = threading.Lock()
        self._closed = threading.Event()

    @classmethod
    def of(
        cls,
        environment: Mapping[str, str],
        progress: Progress,
        run_folder: Callable[[str], Storage],
        limits: Limits | None = None,
    ) -> "Checkpoints":
        """Return those in the folder that the environment names, else in the run's own."""
        folder = environment.get(VARIABLE)
        storage = open_store(Path(folder).absolute().as_uri(), {}) if folder else run_folder("checkpoints")
        return cls(storage, progress, limits)

    def open(self, request: RunRequest, inputs_digest: str, device: str) -> None:
        """Take up what an interrupted run of the same inputs left; what another left is removed."""
        self._identity, self._machine = identity(request, inputs_digest), this_machine(device)
        with self._tolerated("read"):
            self._numbers = self._listed()
        owner = self._owner()
        if owner is not None and (others := differing(self._identity, owner.identity)):
            self.progress.say(
                f"The checkpoints in {self._storage.uri} are of another run (another {', '.join(others)}): they are "
                "not used."
            )
            self._remove_all()
        elif owner is not None:
            self._count(owner.seconds)
        with self._writing, self._tolerated("written"):
            self._write_owner()
        threading.Thread(target=self._keep_time, name="checkpoints", daemon=True).start()

    def load(self, name: str) -> Saved | None:
        """Return the newest that was saved under the name and is whole, or None when there is nothing to be used."""
        for number in sorted(self._numbers.get(_slug(name), []), reverse=True):
            path = _path(name, number)
            try:
                saved = self._read(path)
            except StorageNotFound:
                continue
            except (StorageError, OSError) as error:
                self.progress.say(f"The checkpoint {self._storage.address(path)} cannot be read: {error}")
                continue
            except Damaged:
                self.progress.say(f"The checkpoint {self._storage.address(path)} is damaged: it is not used.")
                self._discard(name, number)
                continue
            if others := differing(self._identity, saved.header["identity"]):
                self.progress.say(
                    f"The checkpoint {self._storage.address(path)} is of another run (another {', '.join(others)}): "
                    "it is not used."
                )
                self._discard(name, number)
                continue
            if others := differing(self._machine, saved.header["machine"]):
                self.progress.say(
                    f"The checkpoint {self._storage.address(path)} was written with another {' and '.join(others)}: "
                    "the run goes on from it, but may end with other bits than if it had not been interrupted."
                )
            self._count(saved.header["seconds"])
            return saved
        return None

    def save(self, name: str, tensors: "dict[str, Tensor]", facts: Any) -> bool:
        """Keep tensors and facts (JSON) under the name; tell whether that is done."""
        with self._writing:
            return self._write(name, self._snapshot(tensors, facts, copy=False))

    def save_later(self, name: str, tensors: "dict[str, Tensor]", facts: Any, *, wait: bool = False) -> bool:
        """Keep tensors and facts under the name, written by a thread of its own; the caller waits for a copy only.

        While one is being written no other is begun, or with `wait` only then; tell whether this one was.
        """
        if not self._writing.acquire(blocking=wait):
            return False
        saved = self._snapshot(tensors, facts, copy=True)

        def work() -> None:
            try:
                with self._limits.attended():
                    self._write(name, saved)
            finally:
                self._writing.release()

        threading.Thread(target=work, name="checkpoint", daemon=True).start()
        return True

    def remove(self) -> None:
        """Remove every object of ours: the run is over. Nothing is written afterwards."""
        self._closed.set()
        with self._writing, contextlib.suppress(StorageError):
            self._numbers |= self._listed()
            self._remove_all()

    def _snapshot(self, tensors: "dict[str, Tensor]", facts: Any, *, copy: bool) -> Saved:
        kept = {}
        for key, value in tensors.items():
            stored = value.detach().cpu().contiguous()
            # What is on the CPU and contiguous already would change while it is written.
            kept[key] = stored.clone() if copy and stored.data_ptr() == value.data_ptr() else stored
        header = {"identity": self._identity, "machine": self._machine, "seconds": self.progress.spent()}
        return Saved(kept, facts, header)

    def _write(self, name: str, saved: Saved) -> bool:
        """Write one generation, then remove those before the last two. The caller holds the lock."""
        if self._closed.is_set():
            return False
        numbers = self._numbers.setdefault(_slug(name), [])
        number = max(numbers, default=0) + 1
        with self._tolerated("written"), TemporaryDirectory(prefix="checkpoint-") as folder:
            file = Path(folder) / "checkpoint.safetensors"
            write(file, saved)
            self._storage.put(_path(name, number), file)
            numbers.append(number)
            self._write_owner()
            for old in sorted(numbers)[:-GENERATIONS]:
                self._storage.delete(_path(name, old))
                numbers.remove(old)
        return number in numbers

    def _read(self, path: str) -> Saved:
        with TemporaryDirectory(prefix="checkpoint-") as folder:
            file = Path(folder) / "checkpoint.safetensors"
            self._storage.download(path, file)
            return read(file)

    def _listed(self) -> dict[str, list[int]]:
        """Return the numbers that there are of each name."""
        found: dict[str, list[int]] = {}
        for entry in self._storage.list():
            if match := NAME.fullmatch(entry.path):
                found.setdefault(match["name"], []).append(int(match["number"]))
        return found

    def _discard(self, name: str, number: int) -> None:
        """Remove one that cannot be used: it would take the place of one that can."""
        with contextlib.suppress(StorageError):
            self._storage.delete(_path(name, number))
        self._numbers[_slug(name)].remove(number)

    def _remove_all(self) -> None:
        with contextlib.suppress(StorageError, OSError):
            # A folder keeps what a killed process had begun to write; a bucket does not.
            if self._storage.uri.startswith("file:"):
                for path in Path(unquote(urlsplit(self._storage.uri).path)).glob("checkpoint*#*"):
                    path.unlink(missing_ok=True)
            for name, numbers in self._numbers.items():
                for number in numbers:
                    self._storage.delete(_path(name, number))
            self._storage.delete(OWNER)
        self._numbers = {}

    def _owner(self) -> Owner | None:
        try:
            return Owner.model_validate_json(self._storage.get(OWNER))
        except (StorageError, ValidationError):
            return None  # each checkpoint says itself whose it is

    def _write_owner(self) -> None:
        owner = Owner(identity=self._identity, seconds=self.progress.spent())
        self._storage.put(OWNER, f"{owner.model_dump_json()}\n".encode())

    def _keep_time(self) -> None:
        """Write down the time spent now and then: a killed process writes no last checkpoint."""
        while not self._closed.wait(CLOCK_SECONDS):
            with self._writing, self._tolerated("written"):
                if not self._closed.is_set():
                    self._write_owner()

    def _count(self, seconds: Mapping[str, float]) -> None:
        """Let the run's clock go on from what interrupted processes spent; each source of that counts once."""
        if seconds.get("total", 0.0) <= self._counted.get("total", 0.0):
            return
        self.progress.resume({phase: spent - self._counted.get(phase, 0.0) for phase, spent in seconds.items()})
        self._counted = dict(seconds)

    @contextlib.contextmanager
    def _tolerated(self, done: str) -> Iterator[None]:
        """Say once that checkpoints cannot be read or written; the run goes on without."""
        try:
            yield
        except (StorageError, OSError, SafetensorError) as error:
            if not self._complained:
                self.progress.say(
                    f"Warning: no checkpoint can be {done} ({error}): the run goes on, but once interrupted it starts "
                    f"from the last one that could be written to {self._storage.uri}."
                )
            self._complained = True


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def _path(name: str, number: int) -> str:
    return f"checkpoint-{_slug(name)}-{number:06}.safetensors"
