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


def resize_and_crop(image: Image.Image, preprocessing: ImagePreprocessing) -> NDArray[np.uint8]:
    """Return pixels (H, W, 3), H = W = preprocessing.size, of an RGB image; they may be kept and normalised later."""
    size = preprocessing.size
    resample = INTERPOLATIONS[preprocessing.interpolation]
    if preprocessing.resize == "Exact":
        return np.asarray(image.resize((size, size), resample))
    width, height = image.size
    shortest = preprocessing.resize_to or size
    # torchvision: the longer side is cut down to whole pixels, the crop's corner is rounded half to even.
    scaled_width = shortest if width <= height else int(shortest * width / height)
    scaled_height = shortest if height <= width else int(shortest * height / width)
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


def normalise(pixels: NDArray[np.uint8], preprocessing: ImagePreprocessing) -> NDArray[np.float32]:
    """Return the network's input, (N, 3, H, W) float32, for pixels (N, 3, H, W) uint8."""
    scaled = pixels.astype(np.float32)
    scaled /= 255
    scaled -= np.asarray(preprocessing.mean, np.float32)[:, None, None]
    scaled /= np.asarray(preprocessing.std, np.float32)[:, None, None]
    return scaled
