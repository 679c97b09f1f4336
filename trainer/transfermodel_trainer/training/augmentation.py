"""Rows as they might have been as well: what a batch is learned from instead of the samples themselves."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Generator, Tensor, nn

Augmentation = Callable[[Tensor, Generator], Tensor]
"""Rows (N, *shape) and where to draw from -> rows of the same shape and kind."""

SHIFT: Final = 0.0625
"""Small images move by at most this part of their side."""
LARGE_PIXELS: Final = 96
"""From here on images show their subject larger than it need be: parts of them will do."""
LEAST_AREA: Final = 0.35
LEAST_ASPECT: Final = 3 / 4
"""Of random resized crops: a classifier that is trained already is not helped by smaller pieces."""
FREQUENCY_MASKS, TIME_MASKS = 2, 2
MASKED_PART: Final = 0.15
"""Of all bands, or of all frames: the most that one mask covers."""


def augmentation_of(rows: Tensor, *, mirrored: bool, strength: float = 1.0) -> Augmentation:
    """Return what suits the rows: images (uint8, mirrored if that does not hurt), spectrograms (float32), or texts.

    A text stays as it is: a word left out may be the one that decides. Dropout is what keeps its encoder from learning
    the samples by heart. A strength of 0 leaves all others as they are, too, but for mirroring.
    """
    if rows.dtype not in (torch.uint8, torch.float32):
        return lambda texts, _: texts
    of_images = rows.dtype == torch.uint8
    move = mask if not of_images else resized_crop if rows.shape[-1] >= LARGE_PIXELS else shift

    def augment(batch: Tensor, generator: Generator) -> Tensor:
        moved = move(batch, generator, strength) if strength else batch
        return mirror(moved, generator) if mirrored and of_images else moved

    return augment


def shift(images: Tensor, generator: Generator, strength: float = 1.0) -> Tensor:
    """Return each image (N, 3, H, W) moved by a few pixels at random, its border repeated."""
    count, channels, height, width = images.shape
    reach = max(1, round(SHIFT * strength * width))
    down, right = (torch.randint(-reach, reach + 1, (count,), generator=generator) for _ in range(2))
    rows = (torch.arange(height) + down[:, None]).clamp(0, height - 1).to(images.device)  # (N, H)
    columns = (torch.arange(width) + right[:, None]).clamp(0, width - 1).to(images.device)  # (N, W)
    sample = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return images[sample, channel, rows[:, None, :, None], columns[:, None, None, :]]


def resized_crop(images: Tensor, generator: Generator, strength: float = 1.0) -> Tensor:
    """Return of each image (N, 3, H, W) a part of random area, shape and place, as large as the whole.

    The crops of Inception (arXiv:1409.4842), bilinear.
    """
    count, _, height, width = images.shape
    least = LEAST_AREA**strength
    area = least + (1 - least) * torch.rand(count, generator=generator)
    aspect = LEAST_ASPECT ** (strength * (2 * torch.rand(count, generator=generator) - 1))
    wide, high = ((area * ratio).sqrt().clamp(max=1.0) for ratio in (aspect, 1 / aspect))
    left, top = ((1 - part) * (2 * torch.rand(count, generator=generator) - 1) for part in (wide, high))
    # An affine map from where a pixel goes to where it comes from; both sides are -1 to 1.
    zero = torch.zeros(count)
    maps = torch.stack([torch.stack([wide, zero, left], 1), torch.stack([zero, high, top], 1)], 1).to(images.device)
    grid = nn.functional.affine_grid(maps, [count, 3, height, width], align_corners=False)
    cropped = nn.functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return cropped.round_().to(torch.uint8)


def mirror(images: Tensor, generator: Generator) -> Tensor:
    """Return each image (N, 3, H, W), every other one mirrored."""
    chosen = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(chosen.to(images.device)[:, None, None, None], images.flip(-1), images)


def mask(spectrograms: Tensor, generator: Generator, strength: float = 1.0) -> Tensor:
    """Return each spectrogram (N, M, T) with some bands and moments at its mean (SpecAugment, arXiv:1904.08779)."""
    count, bands, frames = spectrograms.shape
    hidden = torch.zeros(count, bands, frames, dtype=torch.bool)
    for _ in range(FREQUENCY_MASKS):
        hidden |= _stretch(count, bands, generator, strength)[:, :, None]
    for _ in range(TIME_MASKS):
        hidden |= _stretch(count, frames, generator, strength)[:, None, :]
    mean = spectrograms.mean((1, 2), keepdim=True)
    return torch.where(hidden.to(spectrograms.device), mean, spectrograms)


def _stretch(count: int, length: int, generator: Generator, strength: float) -> Tensor:
    """Return (N, length): true in one stretch of each row, of random size and place."""
    most = max(1, round(MASKED_PART * strength * length))
    size = torch.randint(0, most + 1, (count,), generator=generator)
    first = (torch.rand(count, generator=generator) * (length - size + 1)).long()
    place = torch.arange(length)
    return (place >= first[:, None]) & (place < (first + size)[:, None])
