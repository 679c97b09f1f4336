"""What would change the result: read from what was measured, each with what to do about it."""

from dataclasses import dataclass

import numpy as np

from transfermodel_trainer.data.nouns import Nouns
from transfermodel_trainer.evaluation.reliability import reliability
from transfermodel_trainer.evaluation.summary import CurvePoint
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.calibration import TOLERABLE, verdict
from transfermodel_trainer.publishing.report.charts import Figure, Series, Table, line_chart
from transfermodel_trainer.publishing.report.confusion import pairs
from transfermodel_trainer.publishing.report.svg import accuracy_axis, count_axis
from transfermodel_trainer.publishing.report.text import percent, plural, points, shortened

NOTICEABLE_GAIN = 0.005
"""Of accuracy, from the last but one point of the curve to all samples."""
NOTICEABLE_IMBALANCE = 3.0
NOTICEABLE_OVERFITTING = 1.1
"""Validation loss at the end, as a multiple of the lowest."""
WIDE_INTERVAL = 0.1
FEWEST_CONFUSED = 2


@dataclass(frozen=True)
class Finding:
    """One observation."""

    seen: str
    remedy: str


@dataclass(frozen=True)
class Advice:
    """The section's content."""

    findings: tuple[Finding, ...]
    curve: Figure | None


def view(record: RunRecord) -> Advice:
    """Return the findings, what promises most first."""
    found = (
        _no_better_than_guessing(record),
        _more_samples(record.learned.samples_curve, record.words),
        _confused(record),
        _imbalance(record),
        _overfitting(record),
        _miscalibration(record),
        _judgement(record),
    )
    return Advice(
        tuple(finding for finding in found if finding),
        _curve(record.learned.samples_curve) if len(record.learned.samples_curve) > 1 else None,
    )


def _no_better_than_guessing(record: RunRecord) -> Finding | None:
    metrics = record.learned.headline.metrics
    many = record.words.many
    guessing = max(entry.count for entry in metrics.classes) / metrics.count
    if metrics.low > guessing:
        return None
    return Finding(
        f"It is not surely better than always guessing the most frequent class ({percent(guessing)}).",
        f"Look at the {many} for wrong labels; then start from a backbone that knows similar {many}, or train longer.",
    )


def _more_samples(curve: tuple[CurvePoint, ...], words: Nouns) -> Finding | None:
    if len(curve) < 2:
        return None
    fewer, most = curve[-2], curve[-1]
    gain = most.accuracy - fewer.accuracy
    seen = (
        f"From {fewer.samples_per_class:,} to {most.samples_per_class:,} samples per class accuracy went from "
        f"{percent(fewer.accuracy)} to {percent(most.accuracy)}."
    )
    if gain > NOTICEABLE_GAIN:
        return Finding(seen, f"More {words.many} are likely to help: the curve still rises.")
    return Finding(
        seen, f"More {words.many} of the same kind would change little: only harder or more varied ones might."
    )


def _confused(record: RunRecord) -> Finding | None:
    metrics = record.learned.headline.metrics
    labels = tuple(entry.label for entry in metrics.classes)
    found = pairs(np.array(metrics.confusion, dtype=np.int64), labels)
    if not found or found[0].count < FEWEST_CONFUSED:
        return None
    first, mistakes = found[0], sum(pair.count for pair in found)
    truth, predicted = shortened(first.truth), shortened(first.predicted)
    return Finding(
        f"{first.count} of {plural(mistakes, 'mistake')} took “{truth}” for “{predicted}”.",
        f"Look for wrong labels among the mistakes; then add {record.words.many} of “{truth}” that resemble "
        f"“{predicted}”.",
    )


def _imbalance(record: RunRecord) -> Finding | None:
    counts = record.samples_per_class()["train"]
    fewest, most = int(np.argmin(counts)), int(np.argmax(counts))
    if counts[most] < NOTICEABLE_IMBALANCE * max(1, counts[fewest]):
        return None
    words = record.words
    few, many = shortened(record.labels[fewest]), shortened(record.labels[most])
    return Finding(
        f"“{many}” has {plural(counts[most], f'training {words.one}')}, “{few}” only {counts[fewest]:,}.",
        f"Add {words.many} of “{few}”: classes with few {words.many} are recognised less often.",
    )


def _overfitting(record: RunRecord) -> Finding | None:
    losses = [epoch.validation_loss for epoch in record.learned.history if epoch.validation_loss is not None]
    if not losses or losses[-1] <= NOTICEABLE_OVERFITTING * min(losses):
        return None
    return Finding(
        f"Validation loss was lowest after epoch {losses.index(min(losses)) + 1} ({min(losses):.3f}) and rose to "
        f"{losses[-1]:.3f} at the end.",
        "Train for fewer epochs, unfreeze fewer stages, or lower fineTuning.learningRate.",
    )


def _miscalibration(record: RunRecord) -> Finding | None:
    headline = record.learned.headline
    if headline.metrics.calibration_error <= TOLERABLE:
        return None
    return Finding(
        verdict(reliability(headline.logits.double().softmax(1), headline.samples.classes)),
        "Do not read its probabilities as chances; choose a threshold by the reliability diagram.",
    )


def _judgement(record: RunRecord) -> Finding | None:
    metrics, words = record.learned.headline.metrics, record.words
    width = metrics.high - metrics.low
    if width > WIDE_INTERVAL:
        return Finding(
            f"{plural(metrics.count, words.one)} leave the accuracy uncertain by {points(width / 2)} up and down.",
            f"Judge on more {words.many}: that does not make the model better, but its figures surer.",
        )
    if record.learned.estimated:
        return Finding(
            "There was no test set, so the accuracy is an estimate.",
            f"Set spec.data.test to {words.many} from where the model will be used.",
        )
    return None


def _curve(curve: tuple[CurvePoint, ...]) -> Figure:
    line = Series(
        "accuracy",
        tuple((point.samples_per_class, point.accuracy) for point in curve),
        tuple((point.low, point.high) for point in curve),
    )
    low = min(min(point.low, point.accuracy) for point in curve)
    caption = (
        f"Accuracy when each class has only so many samples to learn from: {percent(curve[0].accuracy)} with "
        f"{curve[0].samples_per_class:,}, {percent(curve[-1].accuracy)} with all. Whiskers reach from the worst to the "
        "best of several draws."
    )
    return Figure(
        line_chart(
            "samples",
            "Accuracy by samples per class",
            caption,
            count_axis([point.samples_per_class for point in curve], "samples per class", logarithmic=True),
            accuracy_axis(low),
            [line],
        ),
        caption,
        Table(
            ("samples per class", "accuracy", "worst draw", "best draw"),
            tuple(
                (f"{point.samples_per_class:,}", percent(point.accuracy), percent(point.low), percent(point.high))
                for point in curve
            ),
        ),
    )
