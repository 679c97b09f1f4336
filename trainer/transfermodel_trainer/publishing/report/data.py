"""What the model learned from and was judged on."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from transfermodel_predictor.artifact.description import ImagePreprocessing

from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.charts import bar
from transfermodel_trainer.publishing.report.pictures import data_uri
from transfermodel_trainer.publishing.report.text import plural

MOST_CLASSES = 100
"""Rows of a table; those that say least are left out."""
MOST_PICTURES = 60
MOST_PER_CLASS = 6


@dataclass(frozen=True)
class ClassRow:
    """One class."""

    label: str
    counts: tuple[int, ...]
    """By split, in the order of Data.splits."""
    bar: Markup


@dataclass(frozen=True)
class Pictures:
    """A few of one class."""

    label: str
    pictures: tuple[tuple[str, str], ...]
    """(name of the file, data: URI)."""


@dataclass(frozen=True)
class Data:
    """The section's content."""

    splits: tuple[str, ...]
    totals: tuple[int, ...]
    rows: tuple[ClassRow, ...]
    classes: int
    samples: tuple[Pictures, ...]
    pixels: int
    warnings: tuple[str, ...]
    held_out: str


def view(record: RunRecord) -> Data:
    """Return counts, warnings and pictures; beyond MOST_CLASSES those classes that have the fewest training samples."""
    per_class = record.samples_per_class()
    splits = tuple(per_class)
    most = max(sum(counts[number] for counts in per_class.values()) for number in range(len(record.labels))) or 1
    numbers = list(range(len(record.labels)))
    if len(numbers) > MOST_CLASSES:
        numbers = sorted(numbers, key=lambda number: (per_class["train"][number], number))[:MOST_CLASSES]
    rows = tuple(
        ClassRow(
            record.labels[number],
            tuple(per_class[split][number] for split in splits),
            bar(*(per_class[split][number] / most for split in splits)),
        )
        for number in numbers
    )
    return Data(
        splits=splits,
        totals=tuple(sum(per_class[split]) for split in splits),
        rows=rows,
        classes=len(record.labels),
        samples=_samples(record),
        pixels=input_size(record),
        warnings=record.split.warnings,
        held_out=_held_out(record),
    )


def input_size(record: RunRecord) -> int:
    """Return the side of an input image, in pixels."""
    preprocessing = record.description.preprocessing
    return preprocessing.size if isinstance(preprocessing, ImagePreprocessing) else 0


def _held_out(record: RunRecord) -> str:
    if "validation" in record.samples and record.request.data.validation is None:
        return (
            f"{plural(len(record.samples['validation']), 'image')} of the training data were held out for validation, "
            "chosen by a hash of their content: the same ones every time."
        )
    return ""


def _samples(record: RunRecord) -> tuple[Pictures, ...]:
    """Return a few pictures of each class; of classes spread evenly where there are very many."""
    images, count = record.samples["train"], len(record.labels)
    numbers = np.arange(count) if count <= MOST_PICTURES else _evenly(count, MOST_PICTURES)
    per_class = max(1, min(MOST_PER_CLASS, MOST_PICTURES // count))
    return tuple(_of_class(images, int(number), record.labels[number], per_class) for number in numbers)


def _of_class(images: Samples, number: int, label: str, count: int) -> Pictures:
    members = np.flatnonzero(images.classes.numpy() == number)
    chosen = members[_evenly(len(members), count)] if len(members) > count else members
    return Pictures(label, tuple((images.names[index], data_uri(images.rows[index])) for index in chosen))


def _evenly(count: int, wanted: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.linspace(0, count - 1, wanted).round().astype(np.int64)
