"""Preprocessing is torchvision's, number by number; but for rounding where only a part of an image is resampled."""

import io
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import InterpolationMode, v2
from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_predictor.inference.decode import decode_image
from transfermodel_predictor.inference.pipelines import ImagePipeline
from transfermodel_predictor.inference.preprocess import (
    COPIED_PIXEL_LIMIT,
    SCALED_PIXEL_LIMIT,
    resize_and_crop,
)

pytestmark = pytest.mark.unit
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZES = [(32, 32), (64, 48), (100, 37), (37, 100), (500, 333), (33, 500), (224, 225), (333, 500), (7, 9), (1, 1)]
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
        difference = np.abs(ours - reference(image, how))
        scaled_down = min(width, height) > (resize_to or size)
        if interpolation == "nearest" or resize == "Exact" or not scaled_down or height > 2 * width:
            assert difference.max() < 1e-3, (width, height)
            continue
        levels = difference * np.array(STD)[:, None, None] * 255
        assert levels.max() < 1.01, (width, height)
        assert (levels > 0.1).mean() <= 0.1, (width, height)


@pytest.mark.parametrize("size", [(640, 480), (480, 640)])
def test_what_the_crop_does_not_show_is_not_resampled(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, int]] = []
    resize = Image.Image.resize

    def seen(image: Image.Image, size: tuple[int, int], *arguments: Any) -> Image.Image:
        made.append(size)
        return resize(image, size, *arguments)

    monkeypatch.setattr(Image.Image, "resize", seen)
    how = ImagePreprocessing(size=224, resize_to=256, mean=(0, 0, 0), std=(1, 1, 1))
    assert resize_and_crop(noise(*size), how).shape == (224, 224, 3)
    assert [width for width, _ in made] == [224, 224]
    assert made[0][1] < size[1], "rows that the crop does not show were scaled, too"


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000)])
def test_a_large_image_is_not_copied(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    crop = Image.Image.crop

    def seen(image: Image.Image, *arguments: Any) -> Image.Image:
        result = crop(image, *arguments)
        copied.append(result.width * result.height)
        return result

    monkeypatch.setattr(Image.Image, "crop", seen)
    how = ImagePreprocessing(size=224, resize_to=256, mean=MEAN, std=STD)
    assert resize_and_crop(Image.new("RGB", size, (9, 8, 7)), how).tolist()[0][0] == [9, 8, 7]
    assert max(copied, default=0) <= COPIED_PIXEL_LIMIT


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


def photograph(width: int, height: int) -> Image.Image:
    """Return an image with detail of all sizes, as photographs have; the finer, the fainter."""
    random = np.random.default_rng([width, height])
    pixels, side = np.zeros((height, width, 3)), 2
    while side < min(width, height):
        drawn = random.integers(0, 256, (side, side, 3), np.uint8)
        pixels += np.asarray(Image.fromarray(drawn).resize((width, height), Image.Resampling.BICUBIC)) / side**0.5
        side *= 2
    pixels -= pixels.min()
    return Image.fromarray((pixels * (255 / pixels.max())).astype(np.uint8))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize(
    ("size", "resize", "resize_to", "file"),
    [
        (64, "ShortestSide", 72, (640, 480)),
        (224, "ShortestSide", 256, (2048, 1536)),
        (64, "Exact", None, (480, 640)),
        (100, "ShortestSide", None, (1600, 400)),
    ],
)
def test_a_jpeg_file_that_is_decoded_smaller_gives_the_same_pixels(
    size: int,
    resize: Literal["ShortestSide", "Exact"],
    resize_to: int | None,
    file: tuple[int, int],
    interpolation: Interpolation,
    orientation: int,
) -> None:
    how = ImagePreprocessing(
        size=size, resize=resize, resize_to=resize_to, interpolation=interpolation, mean=(0, 0, 0), std=(1, 1, 1)
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    photograph(*file).save(buffer, "JPEG", quality=90, exif=exif)
    pipeline = ImagePipeline(how)
    decoded, whole = pipeline.decode(buffer.getvalue()), decode_image(buffer.getvalue())
    ours, expected = (resize_and_crop(image, how).astype(int) for image in (decoded, whole))
    if interpolation == "nearest":
        assert decoded.size == whole.size
    else:
        assert decoded.size[0] < whole.size[0], "it was decoded as large as it is"
        assert min(decoded.size) >= 2 * (resize_to or size), "what the decoder averages would be seen"
    assert np.abs(ours - expected).mean() < 1
    assert np.abs(ours - expected).max() <= 12


def test_a_batch_is_its_images_one_by_one() -> None:
    how = ImagePreprocessing(size=24, mean=MEAN, std=STD)
    pipeline = ImagePipeline(how)
    images = [noise(width, height) for width, height in SIZES[:4]]
    batch = pipeline.feeds(np.stack([pipeline.row(image) for image in images]))["images"]
    assert batch.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(batch, np.stack([preprocess(image, how) for image in images]))
