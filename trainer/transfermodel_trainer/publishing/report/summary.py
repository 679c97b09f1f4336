"""The first look: how good the model is, and how sure one may be of that."""

from dataclasses import dataclass

from markupsafe import Markup

from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.charts import bar
from transfermodel_trainer.publishing.report.text import percent, plural, split_name


@dataclass(frozen=True)
class Figure:
    """One number with what it is."""

    value: str
    label: str
    hint: str


@dataclass(frozen=True)
class Summary:
    """What stands above everything else."""

    accuracy: str
    interval: str
    interval_bar: Markup
    estimated: bool
    measured_on: str
    chance: str
    figures: tuple[Figure, ...]


def view(record: RunRecord) -> Summary:
    """Return the headline."""
    headline, metrics = record.learned.headline, record.learned.headline.metrics
    mean_f1 = sum(entry.f1 for entry in metrics.classes) / len(metrics.classes)
    most = max(entry.count for entry in metrics.classes) / max(1, metrics.count)
    return Summary(
        accuracy=percent(metrics.accuracy),
        interval=f"{percent(metrics.low)} to {percent(metrics.high)}",
        interval_bar=bar(metrics.accuracy, low=metrics.low, high=metrics.high),
        estimated=record.learned.estimated,
        measured_on=f"{plural(metrics.count, record.words.one)} of the {split_name(headline)}"
        if headline.split != "leave-one-out"
        else f"the {plural(metrics.count, f'training {record.words.one}')}, each left out in turn",
        chance=percent(most),
        figures=(
            Figure(percent(mean_f1), "mean F1", "over the classes, each counting the same"),
            Figure(f"{metrics.cross_entropy:.3f}", "cross entropy", "in nats; 0 is perfect"),
            Figure(
                f"{metrics.calibration_error:.3f}",
                "calibration error",
                "how far its probabilities are off; 0 is perfect",
            ),
            Figure(f"{len(record.labels):,}", "classes", f"{len(record.split.train):,} training {record.words.many}"),
        ),
    )
