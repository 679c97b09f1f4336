"""Decoded samples in memory, as rows of the predictor's pipeline: what is measured is what is served."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Samples:
    """N samples of one split."""

    rows: Tensor
    """(N, *shape of a row): of images (N, 3, S, S) uint8."""
    classes: Tensor  # (N,) int64
    names: list[str]
    """Paths below the data's folder."""
    digests: list[str]
    """SHA-256 of each encoded file, hex."""
    positions: list[int]
    """Where the encoded file lies in the spool."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.names)

    def select(self, indices: np.ndarray[tuple[int], np.dtype[np.int64]]) -> "Samples":
        """Return the samples of these indices, in this order."""
        chosen = torch.from_numpy(indices)
        return Samples(
            self.rows[chosen],
            self.classes[chosen],
            [self.names[i] for i in indices],
            [self.digests[i] for i in indices],
            [self.positions[i] for i in indices],
        )


def joined(first: Samples, second: Samples) -> Samples:
    """Return the samples of both."""
    return Samples(
        torch.cat([first.rows, second.rows]),
        torch.cat([first.classes, second.classes]),
        first.names + second.names,
        first.digests + second.digests,
        first.positions + second.positions,
    )


def evenly(samples: Samples, count: int) -> Samples:
    """Return at most `count` of the samples, spread evenly: they are sorted by class."""
    if len(samples) <= count:
        return samples
    return samples.select(np.linspace(0, len(samples) - 1, count).round().astype(np.int64))


def batches(count: int, size: int) -> Iterator[slice]:
    """Yield the slices that cover `count` samples."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
