"""From logits to answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """The answer for one image."""

    label: str
    probability: float
    probabilities: dict[str, float]
    """Of every label; they sum to 1."""


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the softmax over the last axis, (N, K) -> (N, K), stable for large logits."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: NDArray[np.float32] = (shifted / shifted.sum(axis=-1, keepdims=True)).astype(np.float32)
    return result


def predictions(logits: NDArray[np.float32], labels: Sequence[str]) -> list[Prediction]:
    """Return one Prediction per row of (N, K) logits."""
    result = []
    for row in probabilities(logits):
        best = int(row.argmax())
        result.append(
            Prediction(
                label=labels[best],
                probability=float(row[best]),
                probabilities={label: float(value) for label, value in zip(labels, row, strict=True)},
            )
        )
    return result
