"""The mistakes it was surest of: wrong labels and look-alikes come first, and they teach most."""

from dataclasses import dataclass

from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.exhibits import Exhibit, Exhibitor
from transfermodel_trainer.publishing.report.text import percent

MOST_MISTAKES = 24


@dataclass(frozen=True)
class Mistake:
    """One sample."""

    exhibit: Exhibit
    truth: str
    predicted: str
    confidence: str
    truth_probability: str


@dataclass(frozen=True)
class Mistakes:
    """The section's content."""

    shown: tuple[Mistake, ...]
    count: int
    of: int


def view(record: RunRecord) -> Mistakes:
    """Return the mistakes of the headline split, the surest first."""
    headline, labels = record.learned.headline, record.labels
    probabilities = headline.logits.double().softmax(1)
    confidence, predicted = probabilities.max(1)
    truth = headline.samples.classes
    wrong = (predicted != truth).nonzero().flatten()
    order = wrong[confidence[wrong].argsort(descending=True, stable=True)][:MOST_MISTAKES].tolist()
    exhibitor = Exhibitor(record)
    shown = tuple(
        Mistake(
            exhibit=exhibitor.show(headline.samples, index, sound=True),
            truth=labels[truth[index]],
            predicted=labels[predicted[index]],
            confidence=percent(float(confidence[index]), 0),
            truth_probability=percent(float(probabilities[index, truth[index]]), 0),
        )
        for index in order
    )
    return Mistakes(shown, len(wrong), len(truth))
