"""From a decoded image to the network's input, as torchvision's transforms do it."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_predictor.inference.decode import Size

INTERPOLATIONS: Final = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}
SCALED_PIXEL_LIMIT: Final = 16_000_000
"""A strip of 65,500 x 1 pixels would become gigabytes on its way to a crop."""
COPIED_PIXEL_LIMIT: Final = 4_000_000
"""Rows that no filter reaches are left out by copying the others; of larger images all are scaled, as a copy takes 4
bytes a pixel."""
MARGIN: Final = 2
"""A JPEG file is decoded at least so many times as wide and high as it is scaled to: then what the decoder has averaged
and what is resampled differ by less than 1 of 255 levels on average (0.1 to 0.7 with photographs)."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""


def resize_and_crop(image: Image.Image, preprocessing: ImagePreprocessing) -> NDArray[np.uint8]:
    """Return pixels (H, W, 3), H = W = preprocessing.size, of an RGB image; they may be kept and normalised later."""
    size = preprocessing.size
    resample = INTERPOLATIONS[preprocessing.interpolation]
    if preprocessing.resize == "Exact":
        return np.asarray(image.resize((size, size), resample))
    scaled_width, scaled_height = scaled_size(image.size, preprocessing)
    # torchvision: the crop's corner is rounded half to even.
    left, top = round((scaled_width - size) / 2.0), round((scaled_height - size) / 2.0)
    if taken_whole(image.size, (scaled_width, scaled_height), resample):
        scaled = image.resize((scaled_width, scaled_height), resample)
        return np.asarray(scaled.crop((left, top, left + size, top + size)))
    across, down = image.width / scaled_width, image.height / scaled_height
    box = (
        left * across,
        top * down,
        min((left + size) * across, image.width),
        min((top + size) * down, image.height),
    )
    return np.asarray(resize_box(image, size, resample, box))


def taken_whole(size: Size, scaled: Size, resample: Image.Resampling) -> bool:
    """Tell whether to scale all of an image before it is cropped: where torchvision's pixels could not be had else.

    Nearest-neighbour scaling takes single pixels, and what is rounded could take others. Of images more than twice as
    high as wide Pillow may scale the height first, where both passes round. Enlarging a small image takes no time, but
    more of its values lie on the border between two levels.
    """
    width, height = size
    exact = resample is Image.Resampling.NEAREST or height > 2 * width or width <= scaled[0]
    return exact and scaled[0] * scaled[1] <= SCALED_PIXEL_LIMIT


def resize_box(image: Image.Image, size: int, resample: Image.Resampling, box: Box) -> Image.Image:
    """Return what lies within a box of an image, size x size pixels; nothing else is resampled.

    The width comes first, as Pillow does it with whole images: left to itself, it would change the order with some
    boxes. What differs from scaling the whole image is how Pillow rounds the box, to single precision: some values
    by 1 of 255 levels, of 640 x 480 pixels in random colours one of two thousand.
    """
    left, top, right, bottom = box
    # As far as the filter reaches; it is never wider than bicubic's two pixels, of those that are scaled down to.
    reach = 2 * max(1.0, (bottom - top) / size) + 1
    first, last = max(0, math.floor(top - reach)), min(image.height, math.ceil(bottom + reach))
    if image.width * (last - first) <= COPIED_PIXEL_LIMIT:
        image, top, bottom = image.crop((0, first, image.width, last)), top - first, bottom - first
    narrow = image.resize((size, image.height), resample, (left, 0, right, image.height))
    return narrow.resize((size, size), resample, (0, top, size, bottom))


def scaled_size(size: Size, preprocessing: ImagePreprocessing) -> Size:
    """Return the width and height that an image of this width and height is scaled to, before it is cropped."""
    if preprocessing.resize == "Exact":
        return preprocessing.size, preprocessing.size
    width, height = size
    shortest = preprocessing.resize_to or preprocessing.size
    # torchvision: the longer side is cut down to whole pixels.
    return (
        shortest if width <= height else int(shortest * width / height),
        shortest if height <= width else int(shortest * height / width),
    )


def needed_size(size: Size, preprocessing: ImagePreprocessing) -> Size:
    """Return how much of an image of this width and height must be decoded for what it is scaled to."""
    if preprocessing.interpolation == "nearest":  # it takes single pixels, not averages
        return size
    width, height = scaled_size(size, preprocessing)
    return MARGIN * width, MARGIN * height


def normalise(pixels: NDArray[np.uint8], preprocessing: ImagePreprocessing) -> NDArray[np.float32]:
    """Return the network's input, (N, 3, H, W) float32, for pixels (N, 3, H, W) uint8."""
    scaled = pixels.astype(np.float32)
    scaled /= 255
    scaled -= np.asarray(preprocessing.mean, np.float32)[:, None, None]
    scaled /= np.asarray(preprocessing.std, np.float32)[:, None, None]
    return scaled
