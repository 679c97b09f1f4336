"""From logits to an answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """The answer for one sample."""

    label: str
    probability: float
    """Of that label, 0..1."""
    probabilities: dict[str, float]
    """Of every label; they sum to 1."""


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the softmax of logits, (N, K) -> (N, K); the largest is taken off first, so that nothing overflows."""
    scaled = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = (scaled / scaled.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def predictions(logits: NDArray[np.float32], labels: Sequence[str]) -> list[Prediction]:
    """Return one answer per row of logits, (N, K)."""
    shares = probabilities(logits)
    return [
        Prediction(labels[best], row[best], dict(zip(labels, row, strict=True)))
        for best, row in zip(shares.argmax(axis=1).tolist(), shares.tolist(), strict=True)
    ]
