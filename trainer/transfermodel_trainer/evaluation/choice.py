"""Which of two models is better on the same samples, and how sure that is."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from torch import Tensor
from transfermodel_operator.api.spec import Strategy


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
    difference.
    """
    right, better = (probe.argmax(1) == classes).double(), (tuned.argmax(1) == classes).double()
    count, difference = len(classes), better - right
    gain = float(difference.mean())
    # Never 0: that no sample tells them apart is no certainty.
    error = sqrt(max(float(difference.var(correction=0)), 1 / count) / count)
    figures = f"{float(better.mean()):.4f} after fine-tuning, {float(right.mean()):.4f} before"
    if gain > error:
        chosen: Strategy = "FineTuning"
        why = f"fine-tuning is better on the {count} validation samples: {figures}, standard error {error:.4f}"
    else:
        chosen = "FeatureExtraction"
        verdict = "within one standard error" if gain > 0 else "no gain"
        why = f"fine-tuning is not clearly better on the {count} validation samples: {figures}, {verdict} ({error:.4f})"
    return Choice(chosen, why, float(right.mean()), float(better.mean()), error)
