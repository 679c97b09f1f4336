"""What was found in a folder of images, texts or recordings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from transfermodel.modalities import Modality

Role = Literal["train", "validation", "test"]
Unit = Literal["pixels", "characters", "seconds"]
ROLES: tuple[Role, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Columns:
    """Of an index file."""

    content: str
    """The column with the paths of files, or with the texts themselves."""
    label: str
    texts: bool
    """Whether `content` holds the texts themselves."""


@dataclass(frozen=True)
class Median:
    """Of some of the samples: the shorter side of an image, the length of a text or of a recording."""

    value: float
    unit: Unit

    def __str__(self) -> str:
        """Return it for people."""
        return f"{self.value:.3g} {self.unit}" if self.unit == "seconds" else f"{self.value:.0f} {self.unit}"


@dataclass(frozen=True)
class Found:
    """Labelled samples, by split."""

    modality: Modality
    root: Path
    """What was looked at."""
    sources: Mapping[Role, Path]
    """Folders of class folders, or index files."""
    counts: Mapping[Role, Mapping[str, int]]
    """Samples by class."""
    median: Median | None
    """None: recordings, on a machine that cannot read them."""
    columns: Columns | None = None
    """Of index files; None: class folders."""
    notes: tuple[str, ...] = ()
    """What is odd about the data, in sentences with the remedy."""

    @property
    def labels(self) -> list[str]:
        """Return the classes."""
        return sorted(self.counts["train"])

    @property
    def samples(self) -> int:
        """Return how many there are to learn from."""
        return sum(self.counts["train"].values())

    @property
    def fewest(self) -> int:
        """Return the size of the smallest class."""
        return min(self.counts["train"].values())

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "task": self.modality.task,
            "sources": {role: str(path) for role, path in self.sources.items()},
            "counts": {role: dict(counts) for role, counts in self.counts.items()},
            "median": None if self.median is None else {self.median.unit: self.median.value},
            "notes": list(self.notes),
        }
