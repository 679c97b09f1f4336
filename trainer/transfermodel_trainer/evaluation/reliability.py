"""Reliability: how often the model is right when it says how sure it is (Guo et al. 2017, arXiv:1706.04599)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

BINS = 15


@dataclass(frozen=True)
class Bin:
    """The samples whose highest probability lies in [low, high); the last bin includes 1."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean of the highest probability; 0 for an empty bin."""
    accuracy: float
    """Part of the samples that was right; 0 for an empty bin."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form for metrics.json."""
        return {
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "count": self.count,
            "confidence": round(self.confidence, 6),
            "accuracy": round(self.accuracy, 6),
        }


def reliability(probabilities: Tensor, classes: Tensor) -> tuple[Bin, ...]:
    """Return the bins, equally wide and ascending; probabilities (N, K), true classes (N,)."""
    confidence, predicted = probabilities.double().max(1)
    hits = (predicted == classes).double()
    number = (confidence * BINS).long().clamp(max=BINS - 1)
    counts = torch.bincount(number, minlength=BINS).tolist()
    sure = torch.bincount(number, weights=confidence, minlength=BINS).tolist()
    right = torch.bincount(number, weights=hits, minlength=BINS).tolist()
    return tuple(
        Bin(
            low=index / BINS,
            high=(index + 1) / BINS,
            count=int(counts[index]),
            confidence=sure[index] / counts[index] if counts[index] else 0.0,
            accuracy=right[index] / counts[index] if counts[index] else 0.0,
        )
        for index in range(BINS)
    )


def expected_calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return the mean distance between confidence and accuracy over the samples of all bins."""
    total = sum(entry.count for entry in bins)
    if not total:
        return 0.0
    return sum(entry.count * abs(entry.accuracy - entry.confidence) for entry in bins) / total
