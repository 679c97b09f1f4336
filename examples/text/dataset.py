"""Two hundred sentences of our own: requests to a shop's support, of four kinds."""

import csv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FILES = ("train.csv", "test.csv")


@dataclass(frozen=True)
class Sentences:
    """A part of them."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    """What each is about."""

    @property
    def classes(self) -> list[str]:
        """Return what there is."""
        return sorted(set(self.labels))


def read(name: str) -> Sentences:
    """Return what a file holds; name: train.csv or test.csv."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Sentences(tuple(row["text"] for row in rows), tuple(row["label"] for row in rows))


def choose(sentences: Sentences, per_class: int) -> list[int]:
    """Return the positions of the first few of each class."""
    chosen: list[int] = []
    for label in sentences.classes:
        chosen += [position for position, each in enumerate(sentences.labels) if each == label][:per_class]
    return chosen
