"""What was found in a folder of images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Role = Literal["train", "validation", "test"]
ROLES: tuple[Role, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Columns:
    """Of an index file."""

    path: str
    label: str


@dataclass(frozen=True)
class Found:
    """Labelled images, by split."""

    root: Path
    """What was looked at."""
    sources: Mapping[Role, Path]
    """Folders of class folders, or index files."""
    counts: Mapping[Role, Mapping[str, int]]
    """Images by class."""
    side: int
    """Median of the images' shorter sides, in pixels."""
    columns: Columns | None = None
    """Of index files; None: class folders."""
    notes: tuple[str, ...] = ()
    """What is odd about the data, in sentences with the remedy."""

    @property
    def labels(self) -> list[str]:
        """Return the classes."""
        return sorted(self.counts["train"])

    @property
    def images(self) -> int:
        """Return how many images there are to learn from."""
        return sum(self.counts["train"].values())

    @property
    def fewest(self) -> int:
        """Return the size of the smallest class."""
        return min(self.counts["train"].values())

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "sources": {role: str(path) for role, path in self.sources.items()},
            "counts": {role: dict(counts) for role, counts in self.counts.items()},
            "medianSide": self.side,
            "notes": list(self.notes),
        }
