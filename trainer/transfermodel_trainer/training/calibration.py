"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599), always on logits of samples that were held out."""

import torch
from torch import Tensor

LOWEST, HIGHEST = 1e-3, 1e3
ITERATIONS = 60
GOLDEN = (5**0.5 - 1) / 2


def cross_entropy(logits: Tensor, classes: Tensor) -> float:
    """Return the mean cross entropy in nats; logits (N, K), classes (N,)."""
    return float(torch.nn.functional.cross_entropy(logits.double(), classes))


def fit_temperature(logits: Tensor, classes: Tensor) -> float:
    """Return T > 0 such that logits / T has the least cross entropy.

    The loss is convex in 1 / T and so has one minimum along log T: golden-section search finds it.
    """
    low = float(torch.log(torch.tensor(LOWEST)))
    high = float(torch.log(torch.tensor(HIGHEST)))

    def loss(log_temperature: float) -> float:
        return cross_entropy(logits / float(torch.exp(torch.tensor(log_temperature))), classes)

    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    loss_left, loss_right = loss(left), loss(right)
    for _ in range(ITERATIONS):
        if loss_left < loss_right:
            high, right, loss_right = right, left, loss_left
            left = high - GOLDEN * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right, loss_right
            right = low + GOLDEN * (high - low)
            loss_right = loss(right)
        if high - low < 1e-4:
            break
    return float(torch.exp(torch.tensor((low + high) / 2)))
