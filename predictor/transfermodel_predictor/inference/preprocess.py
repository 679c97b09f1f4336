"""From a decoded image to the network's input, as torchvision's transforms do it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.artifact.description import ImagePreprocessing

INTERPOLATIONS: Final = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}
SCALED_PIXEL_LIMIT: Final = 16_000_000
MARGIN: Final = 2
"""A JPEG file is decoded at least so many times as wide and high as it is scaled to: then what the decoder has averaged
and what is resampled differ by less than 1 of 255 levels on average (0.1 to 0.7 with photographs)."""


def resize_and_crop(image: Image.Image, preprocessing: ImagePreprocessing) -> NDArray[np.uint8]:
    """Return pixels (H, W, 3), H = W = preprocessing.size, of an RGB image; they may be kept and normalised later."""
    size = preprocessing.size
    resample = INTERPOLATIONS[preprocessing.interpolation]
    if preprocessing.resize == "Exact":
        return np.asarray(image.resize((size, size), resample))
    width, height = image.size
    scaled_width, scaled_height = scaled_size(image.size, preprocessing)
    # torchvision: the crop's corner is rounded half to even.
    left, top = round((scaled_width - size) / 2.0), round((scaled_height - size) / 2.0)
    if scaled_width * scaled_height <= SCALED_PIXEL_LIMIT:
        scaled = image.resize((scaled_width, scaled_height), resample)
        return np.asarray(scaled.crop((left, top, left + size, top + size)))
    # A strip of 65,500 x 1 pixels would become gigabytes on its way: only what the crop shows is resampled, which is
    # the same but for rounding (Pillow keeps a box in single precision).
    box = (
        left * width / scaled_width,
        top * height / scaled_height,
        min((left + size) * width / scaled_width, width),
        min((top + size) * height / scaled_height, height),
    )
    return np.asarray(image.resize((size, size), resample, box))


def scaled_size(size: tuple[int, int], preprocessing: ImagePreprocessing) -> tuple[int, int]:
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


def needed_size(size: tuple[int, int], preprocessing: ImagePreprocessing) -> tuple[int, int]:
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
