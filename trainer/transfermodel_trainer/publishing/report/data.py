"""What the model learned from and was judged on."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from transfermodel_predictor.artifact.description import AudioPreprocessing, Preprocessing, TextPreprocessing

from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.charts import bar
from transfermodel_trainer.publishing.report.exhibits import Exhibit, Exhibitor
from transfermodel_trainer.publishing.report.text import plural

MOST_CLASSES = 100
"""Rows of a table; those that say least are left out."""
MOST_SHOWN = 60
MOST_PER_CLASS = 6
MOST_TEXTS_PER_CLASS = 3


@dataclass(frozen=True)
class ClassRow:
    """One class."""

    label: str
    counts: tuple[int, ...]
    """By split, in the order of Data.splits."""
    bar: Markup


@dataclass(frozen=True)
class Shown:
    """A few samples of one class."""

    label: str
    exhibits: tuple[Exhibit, ...]


@dataclass(frozen=True)
class Data:
    """The section's content."""

    splits: tuple[str, ...]
    totals: tuple[int, ...]
    rows: tuple[ClassRow, ...]
    classes: int
    samples: tuple[Shown, ...]
    taken: str
    """What the network takes of a sample."""
    of_text: bool
    warnings: tuple[str, ...]
    held_out: str


def view(record: RunRecord) -> Data:
    """Return counts, warnings and samples; beyond MOST_CLASSES those classes that have the fewest training samples."""
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
        taken=taken(record.description.preprocessing),
        of_text=isinstance(record.description.preprocessing, TextPreprocessing),
        warnings=record.split.warnings,
        held_out=_held_out(record),
    )


def taken(preprocessing: Preprocessing) -> str:
    """Return in a sentence what the network takes of a sample, for a page that shows it."""
    if isinstance(preprocessing, TextPreprocessing):
        return f"The beginnings; the network reads at most {preprocessing.max_tokens} tokens of each."
    if isinstance(preprocessing, AudioPreprocessing):
        return (
            f"As the network hears them: the middle {preprocessing.clip_seconds:g} seconds, {preprocessing.size} bands "
            f"of pitch from below by {preprocessing.size} moments; the brighter, the louder."
        )
    return f"As the network sees them: {preprocessing.size} x {preprocessing.size} pixels."


def _held_out(record: RunRecord) -> str:
    if "validation" in record.samples and record.request.data.validation is None:
        return (
            f"{plural(len(record.samples['validation']), record.words.one)} of the training data were held out for "
            "validation, chosen by a hash of their content: the same ones every time."
        )
    return ""


def _samples(record: RunRecord) -> tuple[Shown, ...]:
    """Return a few samples of each class; of classes spread evenly where there are very many."""
    samples, count = record.samples["train"], len(record.labels)
    numbers = np.arange(count) if count <= MOST_SHOWN else _evenly(count, MOST_SHOWN)
    of_text = isinstance(record.description.preprocessing, TextPreprocessing)
    per_class = max(1, min(MOST_TEXTS_PER_CLASS if of_text else MOST_PER_CLASS, MOST_SHOWN // count))
    exhibitor = Exhibitor(record)
    return tuple(_of_class(exhibitor, samples, int(number), record.labels[number], per_class) for number in numbers)


def _of_class(exhibitor: Exhibitor, samples: Samples, number: int, label: str, count: int) -> Shown:
    members = np.flatnonzero(samples.classes.numpy() == number)
    chosen = members[_evenly(len(members), count)] if len(members) > count else members
    return Shown(label, tuple(exhibitor.show(samples, int(index)) for index in chosen))


def _evenly(count: int, wanted: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.linspace(0, count - 1, wanted).round().astype(np.int64)
