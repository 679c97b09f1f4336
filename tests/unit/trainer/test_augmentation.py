"""Rows as they might have been as well: of the same kind, different each time, the same for the same seed."""

import pytest
import torch
from torch import Tensor
from transfermodel_trainer.training.augmentation import augmentation_of, mask, mirror, resized_crop, shift


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


ROWS: dict[str, Tensor] = {
    "small images": torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8),
    "large images": torch.randint(0, 256, (16, 3, 128, 128), dtype=torch.uint8),
    "spectrograms": torch.randn(16, 64, 64),
    "texts": torch.randint(-1, 100, (16, 24), dtype=torch.int32),
}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("kind", ROWS)
def test_rows_stay_of_their_kind_and_follow_the_seed(kind: str, mirrored: bool) -> None:
    rows, before = ROWS[kind], ROWS[kind].clone()
    augment = augmentation_of(rows, mirrored=mirrored)
    first = augment(rows, drawn())
    assert (first.shape, first.dtype) == (rows.shape, rows.dtype)
    assert torch.equal(first, augment(rows, drawn()))
    assert torch.equal(rows, before), "the data itself is not changed"
    assert torch.equal(first, rows) == (kind == "texts")
    assert torch.equal(first, augment(rows, drawn(1))) == (kind == "texts")


def test_shift_moves_whole_images_a_little() -> None:
    image = torch.zeros(64, 3, 32, 32, dtype=torch.uint8)
    image[:, :, 16, 16] = 255
    moved = shift(image, drawn())
    places = {tuple((picture[0] == 255).nonzero()[0].tolist()) for picture in moved}
    assert len(places) > 5
    assert all(abs(row - 16) <= 2 and abs(column - 16) <= 2 for row, column in places)
    assert torch.equal(moved[:, 0], moved[:, 1])


def test_a_crop_is_a_part_of_the_image_as_large_as_the_whole() -> None:
    ramp = torch.arange(128).repeat(32, 3, 128, 1).to(torch.uint8)  # each pixel says its column
    cropped = resized_crop(ramp, drawn()).float()
    first, last = cropped[:, 0, 64, 0], cropped[:, 0, 64, -1]
    width = (last - first) / 127
    assert ((width > 0.5) & (width <= 1)).all(), "at least a third of the area at most a third wider than high"
    assert width.std() > 0.05
    assert first.std() > 5
    assert torch.equal(cropped, cropped.sort(-1).values), "not mirrored"
    turned = resized_crop(ramp.transpose(2, 3), drawn()).float()
    assert torch.equal(turned, turned.sort(2).values)


def test_every_other_image_is_mirrored_only_where_asked() -> None:
    images = ROWS["small images"]
    mirrored = mirror(images, drawn())
    kept = [torch.equal(a, b) for a, b in zip(mirrored, images, strict=True)]
    turned = [torch.equal(a, b.flip(-1)) for a, b in zip(mirrored, images, strict=True)]
    assert 3 <= sum(kept) <= 13
    assert [not each for each in kept] == turned
    ramp = torch.arange(32).repeat(16, 3, 32, 1).to(torch.uint8)
    assert (augmentation_of(ramp, mirrored=False)(ramp, drawn()).diff(dim=-1).int() >= 0).all()


def test_masks_hide_a_few_bands_and_moments() -> None:
    rows = ROWS["spectrograms"]
    masked = mask(rows, drawn())
    hidden = masked != rows
    assert torch.equal(masked[hidden], rows.mean((1, 2), keepdim=True).expand_as(rows)[hidden])
    bands, frames = hidden.all(2).sum(1), hidden.all(1).sum(1)
    assert int(bands.max()) <= 2 * 10
    assert int(frames.max()) <= 2 * 10
    assert int(bands.sum()) > 0 < int(frames.sum())
    assert float(hidden.float().mean()) < 0.5
