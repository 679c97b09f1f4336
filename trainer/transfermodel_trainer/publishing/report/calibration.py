"""Whether the probabilities can be believed."""

from dataclasses import dataclass

from transfermodel_trainer.evaluation.reliability import Bin, expected_calibration_error, reliability
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.charts import Figure, Table, reliability_diagram
from transfermodel_trainer.publishing.report.text import percent, points

NOTICEABLE = 0.02
"""Of the mean confidence: less is no bias."""
TOLERABLE = 0.05
"""Of the calibration error: with less the probabilities can be used as such."""
NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Calibration:
    """The section's content."""

    figure: Figure
    error: float
    verdict: str


def view(record: RunRecord) -> Calibration:
    """Return the reliability diagram of the headline split."""
    headline = record.learned.headline
    bins = reliability(headline.logits.double().softmax(1), headline.samples.classes)
    caption = verdict(bins)
    table = Table(
        ("it was … sure", record.words.many, "mean confidence", "accuracy"),
        tuple(
            (
                f"{percent(entry.low, 0)} to {percent(entry.high, 0)}",
                f"{entry.count:,}",
                percent(entry.confidence) if entry.count else NONE,
                percent(entry.accuracy) if entry.count else NONE,
            )
            for entry in bins
        ),
    )
    chart = reliability_diagram("reliability", "Reliability diagram", caption, bins)
    return Calibration(Figure(chart, caption, table), expected_calibration_error(bins), caption)


def gap(bins: tuple[Bin, ...]) -> tuple[float, float]:
    """Return mean confidence and accuracy over all samples."""
    total = sum(entry.count for entry in bins) or 1
    return (
        sum(entry.count * entry.confidence for entry in bins) / total,
        sum(entry.count * entry.accuracy for entry in bins) / total,
    )


def verdict(bins: tuple[Bin, ...]) -> str:
    """Return in a sentence whether it is too sure, not sure enough, or neither."""
    confidence, accuracy = gap(bins)
    said = f"On average it was {percent(confidence)} sure and right in {percent(accuracy)} of the cases"
    if abs(confidence - accuracy) <= NOTICEABLE:
        error = expected_calibration_error(bins)
        if error <= TOLERABLE:
            return f"{said}: its probabilities can be taken at face value."
        return f"{said}, but its probabilities are off by {points(error)} on average, up here and down there."
    kind = "too sure" if confidence > accuracy else "not sure enough"
    return f"{said}: it is {kind}, by {points(abs(confidence - accuracy))}."
