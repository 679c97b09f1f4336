"""Preprocessing is torchvision's, number by number."""

from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import InterpolationMode, v2
from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_predictor.inference.pipelines import ImagePipeline
from transfermodel_predictor.inference.preprocess import (
    SCALED_PIXEL_LIMIT,
    resize_and_crop,
)

pytestmark = pytest.mark.unit
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZES = [(32, 32), (64, 48), (100, 37), (37, 100), (500, 333), (33, 500), (224, 225), (7, 9), (1, 1)]
Interpolation = Literal["bilinear", "bicubic", "nearest"]


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng([width, height]).integers(0, 256, (height, width, 3), np.uint8))


def reference(image: Image.Image, how: ImagePreprocessing) -> NDArray[np.float32]:
    """The same by torchvision's own transforms."""
    target: Any = [how.size, how.size] if how.resize == "Exact" else (how.resize_to or how.size)
    transform = v2.Compose(
        [
            v2.Resize(target, InterpolationMode[how.interpolation.upper()], antialias=True),
            v2.CenterCrop(how.size),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(list(how.mean), list(how.std)),
        ]
    )
    result: NDArray[np.float32] = transform(image).numpy()
    return result


def preprocess(image: Image.Image, how: ImagePreprocessing) -> NDArray[np.float32]:
    """The network's input for one image, (3, H, W)."""
    pipeline = ImagePipeline(how)
    result: NDArray[np.float32] = pipeline.feeds(pipeline.row(image)[None])["images"][0]
    return result


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize(
    ("size", "resize", "resize_to"),
    [(32, "ShortestSide", None), (31, "ShortestSide", 40), (224, "ShortestSide", 256), (64, "Exact", None)],
)
def test_equals_torchvision(
    size: int, resize: Literal["ShortestSide", "Exact"], resize_to: int | None, interpolation: Interpolation
) -> None:
    how = ImagePreprocessing(
        size=size, resize=resize, resize_to=resize_to, interpolation=interpolation, mean=MEAN, std=STD
    )
    for width, height in SIZES:
        image = noise(width, height)
        ours = preprocess(image, how)
        assert ours.shape == (3, size, size)
        assert ours.dtype == np.float32
        assert np.abs(ours - reference(image, how)).max() < 1e-3, (width, height)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_a_long_strip_equals_torchvision_but_for_rounding(interpolation: Interpolation) -> None:
    how = ImagePreprocessing(size=224, resize_to=256, interpolation=interpolation, mean=(0, 0, 0), std=(1, 1, 1))
    image = noise(1200, 3)
    assert SCALED_PIXEL_LIMIT < 256 * 256 * 1200 / 3, "this image must take the other path"
    assert np.abs(preprocess(image, how) - reference(image, how)).max() < 1.01 / 255


def test_the_longest_strip_stays_small() -> None:
    how = ImagePreprocessing(size=224, mean=MEAN, std=STD)
    for size in ((65_500, 1), (1, 65_500)):
        assert resize_and_crop(Image.new("RGB", size, (9, 8, 7)), how).tolist()[0][0] == [9, 8, 7]


def test_a_batch_is_its_images_one_by_one() -> None:
    how = ImagePreprocessing(size=24, mean=MEAN, std=STD)
    pipeline = ImagePipeline(how)
    images = [noise(width, height) for width, height in SIZES[:4]]
    batch = pipeline.feeds(np.stack([pipeline.row(image) for image in images]))["images"]
    assert batch.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(batch, np.stack([preprocess(image, how) for image in images]))
