"""What every part of the bench gets, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.serving import material, photographs
from tests.bench.serving.material import Material
from tests.bench.serving.photographs import Photographs


@dataclass(frozen=True)
class Effort:
    """How long is measured."""

    starts: int = 10
    rounds: int = 5
    seconds: float = 6.0
    """Of one load."""
    warm_up_seconds: float = 2.0
    wakes: int = 20
    bursts: int = 5
    """Wakes by many requests at once."""


QUICK = Effort(starts=1, rounds=1, seconds=2.0, warm_up_seconds=0.5, wakes=1, bursts=1)
BURST = 20
"""Requests that come at once."""


@dataclass(frozen=True)
class Visit:
    """What was measured of one side in one round."""

    part: str
    subject: str
    """What both sides served, such as a backbone."""
    side: str
    number: int
    """Of the round."""
    figures: Mapping[str, float]


class NotHere(Exception):
    """A part cannot be measured on this machine; the message says what is missing."""


@dataclass
class Bench:
    """Where things are, and what has been made already."""

    folder: Path
    """For files; gone at the end."""
    data: Path
    """The real data sets."""
    effort: Effort
    backbones: tuple[str, ...]
    say: Callable[[str], None]
    """Prints a line."""
    _materials: dict[str, Material] = field(default_factory=dict)
    _photographs: dict[str, Photographs] = field(default_factory=dict)

    def material(self, architecture: str) -> Material:
        """Return a network in both forms, made once."""
        if architecture not in self._materials:
            self._materials[architecture] = material.prepare(architecture, self.folder / architecture)
        return self._materials[architecture]

    def photographs(self, name: str) -> Photographs:
        """Return JPEGs of a size, made or read once. Raises NotHere."""
        if name not in self._photographs:
            try:
                self._photographs[name] = photographs.photographs(name, self.data)
            except photographs.PhotographsMissing as error:
                raise NotHere(str(error)) from error
        return self._photographs[name]

    def bodies(self, name: str) -> tuple[str, ...]:
        """Return the files of requests of version 1 for them."""
        folder = self.folder / "bodies" / name.replace(" ", "")
        if folder.is_dir():
            return tuple(str(path) for path in sorted(folder.iterdir()))
        return material.write_bodies(self.photographs(name).files, folder)

    def scratch(self, *names: str) -> Path:
        """Return a folder for the logs of a server."""
        folder = self.folder.joinpath("logs", *names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
