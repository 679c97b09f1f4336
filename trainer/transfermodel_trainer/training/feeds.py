"""From rows to the network's input on its device: what the predictor's pipeline feeds the graph, in torch."""

from typing import Final, Protocol

import torch
from torch import Tensor
from transfermodel_predictor.artifact.description import (
    AudioPreprocessing,
    ImagePreprocessing,
    Preprocessing,
    TextPreprocessing,
)

LARGE_PIXELS: Final = 128
PIXELS_PER_BATCH: Final = 64 * 64 * 64
"""On the CPU: 64 images of 64 x 64, where batches stay in the caches; a GPU takes 32 times as many."""
TEXTS_PER_BATCH: Final = 32
ROUNDED_TOKENS: Final = 8
GPU_FACTOR: Final = 32
GPU_TEXTS: Final = 8


class Feed(Protocol):
    """What stands between rows and a network."""

    memory_format: torch.memory_format

    def __call__(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Return the network's arguments for rows (N, *shape)."""

    def batch_size(self) -> int:
        """Return how many samples to compute at a time when nothing is learned."""

    def lengths(self, rows: Tensor, indices: list[int]) -> list[int]:
        """Return how long each of these samples is: those of one length are computed together."""


class ImageFeed:
    """Pixels, scaled and normalised."""

    def __init__(self, preprocessing: ImagePreprocessing, device: torch.device) -> None:
        """Keep mean and deviation on the device."""
        self.memory_format = _memory_format(preprocessing.size, device)
        self.mean = torch.tensor(preprocessing.mean, device=device).view(1, 3, 1, 1)
        self.std = torch.tensor(preprocessing.std, device=device).view(1, 3, 1, 1)
        self._size = preprocessing.size

    def __call__(self, rows: Tensor) -> tuple[Tensor]:
        """Return float32 (N, 3, H, W) for uint8 (N, 3, H, W)."""
        scaled = rows.to(self.mean.device).float().div_(255)
        return (scaled.sub_(self.mean).div_(self.std).contiguous(memory_format=self.memory_format),)

    def batch_size(self) -> int:
        """Return the images of a batch."""
        return _pictures(self._size, self.mean.device)

    def lengths(self, rows: Tensor, indices: list[int]) -> list[int]:
        """Return one length: images are of one size."""
        return [0] * len(indices)


class AudioFeed:
    """Spectrograms, standardised."""

    def __init__(self, preprocessing: AudioPreprocessing, device: torch.device) -> None:
        """Keep mean and deviation on the device."""
        self.memory_format = _memory_format(preprocessing.size, device)
        self.mean = torch.tensor(preprocessing.mean, device=device)
        self.std = torch.tensor(preprocessing.std, device=device)
        self._size = preprocessing.size

    def __call__(self, rows: Tensor) -> tuple[Tensor]:
        """Return float32 (N, 1, M, T) for float32 (N, M, T)."""
        return (rows.to(self.mean.device).unsqueeze(1).sub(self.mean).div_(self.std),)

    def batch_size(self) -> int:
        """Return the spectrograms of a batch."""
        return _pictures(self._size, self.mean.device)

    def lengths(self, rows: Tensor, indices: list[int]) -> list[int]:
        """Return one length: spectrograms are of one size."""
        return [0] * len(indices)


class TextFeed:
    """Token ids with their mask, cut to about the longest text."""

    memory_format = torch.contiguous_format

    def __init__(self, device: torch.device) -> None:
        """Take the device."""
        self._device = device

    def __call__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return input_ids and attention_mask int64 (N, L) for int32 (N, most tokens), which is -1 after a text."""
        longest = int(_rounded(rows).max())
        ids = rows[:, :longest].to(self._device, torch.int64)
        mask = (ids >= 0).to(torch.int64)
        return ids * mask, mask

    def batch_size(self) -> int:
        """Return the texts of a batch."""
        return TEXTS_PER_BATCH * (GPU_TEXTS if self._device.type == "cuda" else 1)

    def lengths(self, rows: Tensor, indices: list[int]) -> list[int]:
        """Return how many tokens each text has, rounded up."""
        return _rounded(rows[indices]).tolist()


def feed_of(preprocessing: Preprocessing, device: torch.device) -> Feed:
    """Return the feed of a model's preprocessing."""
    if isinstance(preprocessing, ImagePreprocessing):
        return ImageFeed(preprocessing, device)
    if isinstance(preprocessing, TextPreprocessing):
        return TextFeed(device)
    return AudioFeed(preprocessing, device)


def _rounded(rows: Tensor) -> Tensor:
    """Return the tokens of each row (N,), rounded up so that there are few lengths, at most all that a row holds."""
    counts = (rows >= 0).sum(1).clamp(min=1)
    return (-(-counts // ROUNDED_TOKENS) * ROUNDED_TOKENS).clamp(max=rows.shape[1])


def _memory_format(size: int, device: torch.device) -> torch.memory_format:
    # Measured on resnet18: on a CPU channels last costs 10 % at 32 and 64 pixels and gains 25 % at 224.
    return torch.channels_last if device.type == "cuda" or size >= LARGE_PIXELS else torch.contiguous_format


def _pictures(size: int, device: torch.device) -> int:
    pixels = PIXELS_PER_BATCH * (GPU_FACTOR if device.type == "cuda" else 1)
    return max(4, min(2048, pixels // (size * size)))
