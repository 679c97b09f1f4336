"""Which of two models is better on the same samples, and how sure that is."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from torch import Tensor, nn
from transfermodel_operator.api.spec import Strategy

from transfermodel_trainer.training.calibration import fit_temperature

LEAST_COMPARED: Final = 8
"""Fewer samples do not tell how much they differ."""
ERRORS: Final = 1.5
"""Standard errors by which cross entropy has to be less: the temperature was fitted to the same samples."""


@dataclass(frozen=True)
class Choice:
    """What strategy Auto compared on the validation set, and what it chose."""

    chosen: Strategy
    why: str
    """A sentence without its full stop."""
    probe: float | None = None
    """Accuracy of the head on the frozen trunk; None without a validation set."""
    tuned: float | None = None
    """Accuracy after fine-tuning; None where that was left out."""
    standard_error: float | None = None
    """Of the difference, from the samples that only one of the two has right."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form for metrics.json."""
        figures = {
            "featureExtraction": self.probe,
            "fineTuning": self.tuned,
            "standardErrorOfDifference": self.standard_error,
        }
        known = {name: round(value, 6) for name, value in figures.items() if value is not None}
        return {"chosen": self.chosen, "why": self.why, "validationAccuracy": known}


def choose(probe: Tensor, tuned: Tensor, classes: Tensor) -> Choice:
    """Compare logits (N, K) of the same samples; what is better by no more than a standard error is not taken.

    The error is that of paired samples (as in McNemar's test): what both have right or wrong says nothing about the
    difference. Where accuracy is the same but for chance, the cross entropy decides: it tells apart, too, how sure each
    one is of what, so that fewer samples do.
    """
    right, better = (probe.argmax(1) == classes).double(), (tuned.argmax(1) == classes).double()
    count, difference = len(classes), better - right
    gain = float(difference.mean())
    # Never 0: that no sample tells them apart is no certainty.
    error = sqrt(max(float(difference.var(correction=0)), 1 / count) / count)
    figures = f"{float(better.mean()):.4f} after fine-tuning, {float(right.mean()):.4f} before"
    before, after = calibrated_losses(probe, classes), calibrated_losses(tuned, classes)
    if gain > error:
        chosen: Strategy = "FineTuning"
        why = f"fine-tuning is better on the {count} validation samples: {figures}, standard error {error:.4f}"
    elif gain >= 0 and clearly_less(after, before):
        chosen = "FineTuning"
        why = (
            f"fine-tuning is surer of the right classes of the {count} validation samples: cross entropy "
            f"{float(after.mean()):.4f} after it, {float(before.mean()):.4f} before; accuracy {figures}"
        )
    else:
        chosen = "FeatureExtraction"
        verdict = "within one standard error" if gain > 0 else "no gain"
        why = f"fine-tuning is not clearly better on the {count} validation samples: {figures}, {verdict} ({error:.4f})"
    return Choice(chosen, why, float(right.mean()), float(better.mean()), error)


def clearly_less(losses: Tensor, others: Tensor) -> bool:
    """Tell whether losses (N,) are clearly less than the others of the same samples."""
    gains = others - losses
    if len(gains) < LEAST_COMPARED:
        return False
    return bool(gains.mean() > ERRORS * gains.std() / len(gains) ** 0.5)


def calibrated_losses(logits: Tensor, classes: Tensor) -> Tensor:
    """Return the cross entropy (N,) in nats of logits (N, K), at the temperature that suits them best.

    That is found for smoothed targets, as Platt (1999) does it: to so few samples, it would otherwise make logits sure
    without bound of what they happen to have right.
    """
    temperature = fit_temperature(logits, classes, 1 / (len(classes) + 2))
    return nn.functional.cross_entropy(logits.double() / temperature, classes, reduction="none")
