"""The order in which samples are learned from: a function of seed and epoch, so that it needs no memory."""

import hashlib
import math

import torch
from torch import Tensor


def mixed(seed: int, purpose: str, number: int) -> int:
    """Return a seed of 32 bits for one purpose and one epoch or step: torch's CPU generator takes no more of them."""
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose} {number}".encode()).digest()[:4], "big")


def steps_per_epoch(count: int, size: int) -> int:
    """Return how many batches `batch_indices` returns."""
    return max(1, math.ceil(count / size) - (1 if count > size and count % size == 1 else 0))


def batch_indices(count: int, size: int, seed: int, epoch: int) -> list[Tensor]:
    """Return shuffled batches of indices; a last batch of one joins the one before: BatchNorm cannot take one sample.

    A training set of a single sample is handed out twice in one batch, for the same reason.
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(mixed(seed, "order", epoch)))
    if count == 1:
        order = order.repeat(2)
    parts = list(torch.split(order, size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
