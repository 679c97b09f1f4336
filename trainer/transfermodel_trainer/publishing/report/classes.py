"""How good the model is on each class."""

from dataclasses import dataclass

from markupsafe import Markup

from transfermodel_trainer.evaluation.metrics import ClassMetrics, wilson_interval
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.charts import bar
from transfermodel_trainer.publishing.report.text import percent

MOST_CLASSES = 100


@dataclass(frozen=True)
class ClassRow:
    """One class."""

    label: str
    count: int
    figures: tuple[tuple[str, Markup], ...]
    """Precision, recall and F1: as text and as a bar."""


@dataclass(frozen=True)
class Classes:
    """The section's content, the weakest class first."""

    rows: tuple[ClassRow, ...]
    classes: int


def view(record: RunRecord) -> Classes:
    """Return the classes by F1, ascending."""
    classes = record.learned.headline.metrics.classes
    weakest = sorted(classes, key=lambda entry: entry.f1)[:MOST_CLASSES]
    return Classes(tuple(_row(entry) for entry in weakest), len(classes))


def _row(entry: ClassMetrics) -> ClassRow:
    low, high = wilson_interval(round(entry.recall * entry.count), entry.count)
    return ClassRow(
        entry.label,
        entry.count,
        (
            (percent(entry.precision), bar(entry.precision)),
            (percent(entry.recall), bar(entry.recall, low=low, high=high)),
            (percent(entry.f1), bar(entry.f1)),
        ),
    )
