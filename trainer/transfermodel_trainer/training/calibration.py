"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599), always on logits of samples that were held out."""

import math

import torch
from torch import Tensor

LOWEST, HIGHEST = 1e-3, 1e3
ITERATIONS = 60
PRECISION = 1e-4
"""Of log T."""
CHUNK = 1 << 22
"""Numbers that are worked on at a time."""


def cross_entropy(logits: Tensor, classes: Tensor) -> float:
    """Return the mean cross entropy in nats, a part at a time; logits (N, K), classes (N,)."""
    rows = max(1, CHUNK // logits.shape[1])
    parts = zip(logits.split(rows), classes.split(rows), strict=True)
    return sum(
        float(torch.nn.functional.cross_entropy(part.double(), truth, reduction="sum")) for part, truth in parts
    ) / len(classes)


def fit_temperature(logits: Tensor, classes: Tensor, smoothing: float = 0.0) -> float:
    """Return T > 0 such that logits / T has the least cross entropy.

    Args:
        logits: (N, K).
        classes: (N,).
        smoothing: the part of each target that belongs to the other classes: above 0, T is above 0 even where all are
            right.

    The loss is convex in 1 / T: Newton's method finds its minimum along log(1 / T), halving the interval where a step
    would leave it.
    """
    scores = logits.double()
    right = scores.gather(1, classes[:, None])[:, 0]
    others = (scores.sum(1) - right) / max(1, scores.shape[1] - 1)
    own = ((1 - smoothing) * right + smoothing * others).mean()
    low, high, place = -math.log(HIGHEST), -math.log(LOWEST), 0.0
    for _ in range(ITERATIONS):
        sharpness = math.exp(place)
        probabilities = (scores * sharpness).softmax(1)
        mean = (probabilities * scores).sum(1)
        variance = (probabilities * scores.square()).sum(1) - mean.square()
        slope = sharpness * float(mean.mean() - own)
        curvature = sharpness**2 * float(variance.mean()) + slope
        low, high = (low, place) if slope > 0 else (place, high)
        step = place - slope / curvature if curvature > 0 else math.inf
        before, place = place, step if low < step < high else (low + high) / 2
        if abs(place - before) < PRECISION:
            break
    return math.exp(-place)
