"""Metrics of one split."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from transfermodel_trainer.evaluation.reliability import expected_calibration_error, reliability

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class."""

    label: str
    precision: float
    recall: float
    f1: float
    count: int
    """Samples that truly are of this class."""


@dataclass(frozen=True)
class Metrics:
    """Metrics of one split."""

    accuracy: float
    low: float
    high: float
    """The 95 % interval of the accuracy."""
    cross_entropy: float
    calibration_error: float
    confusion: tuple[tuple[int, ...], ...]
    """[true class][predicted class]."""
    classes: tuple[ClassMetrics, ...]
    count: int

    def headline(self) -> dict[str, str]:
        """Return the figures that go into the status, as strings."""
        return {
            "accuracy": f"{self.accuracy:.4f}",
            "accuracyLow": f"{self.low:.4f}",
            "accuracyHigh": f"{self.high:.4f}",
            "crossEntropy": f"{self.cross_entropy:.4f}",
            "calibrationError": f"{self.calibration_error:.4f}",
        }

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form for metrics.json."""
        return {
            "accuracy": {"value": _round(self.accuracy), "low": _round(self.low), "high": _round(self.high)},
            "crossEntropy": _round(self.cross_entropy),
            "calibrationError": _round(self.calibration_error),
            "confusion": [list(row) for row in self.confusion],
            "perClass": [
                {
                    "label": c.label,
                    "precision": _round(c.precision),
                    "recall": _round(c.recall),
                    "f1": _round(c.f1),
                    "count": c.count,
                }
                for c in self.classes
            ],
            "count": self.count,
        }


def _round(value: float) -> float:
    return round(value, 6)


def wilson_interval(correct: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson 1927): honest for few samples and near 0 and 1."""
    if count == 0:
        return 0.0, 1.0
    share, square = correct / count, Z_95**2
    centre = share + square / (2 * count)
    reach = Z_95 * sqrt(share * (1 - share) / count + square / (4 * count**2))
    scale = 1 + square / count
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def calibration_error(probabilities: Tensor, classes: Tensor) -> float:
    """Return the expected calibration error over equal-width bins (Guo et al. 2017); probabilities (N, K)."""
    return expected_calibration_error(reliability(probabilities, classes))


def measure(logits: Tensor, classes: Tensor, labels: tuple[str, ...]) -> Metrics:
    """Return the metrics of logits (N, K) against the true classes (N,)."""
    predicted = logits.argmax(1)
    count, kinds = len(classes), len(labels)
    confusion = np.zeros((kinds, kinds), dtype=np.int64)
    np.add.at(confusion, (classes.numpy(), predicted.numpy()), 1)
    correct = int(confusion.trace())
    low, high = wilson_interval(correct, count)
    per_class = []
    for index, label in enumerate(labels):
        hits = int(confusion[index, index])
        true, said = int(confusion[index].sum()), int(confusion[:, index].sum())
        precision = hits / said if said else 0.0
        recall = hits / true if true else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        per_class.append(ClassMetrics(label, precision, recall, f1, true))
    return Metrics(
        accuracy=correct / count,
        low=low,
        high=high,
        cross_entropy=float(torch.nn.functional.cross_entropy(logits.double(), classes)),
        calibration_error=calibration_error(logits.double().softmax(1), classes),
        confusion=tuple(tuple(int(value) for value in row) for row in confusion),
        classes=tuple(per_class),
        count=count,
    )
