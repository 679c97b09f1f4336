"""From images to the network's input, as torchvision's Resize, CenterCrop and Normalize do it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.artifact.description import Preprocessing

RESAMPLING: Final = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}

Pixels = NDArray[np.uint8]
Tensor = NDArray[np.float32]


def fit(image: Image.Image, preprocessing: Preprocessing) -> Pixels:
    """Resize and crop to the network's size; return uint8 (H, W, 3)."""
    size = preprocessing.size
    resampling = RESAMPLING[preprocessing.interpolation]
    if preprocessing.resize == "Exact":
        return np.asarray(image.resize((size, size), resampling))
    shortest = preprocessing.resize_to or size
    width, height = image.size
    # torchvision truncates the longer side, too.
    if width <= height:
        scaled = (shortest, max(shortest, int(shortest * height / width)))
    else:
        scaled = (max(shortest, int(shortest * width / height)), shortest)
    if scaled != image.size:
        image = image.resize(scaled, resampling)
    left, top = round((scaled[0] - size) / 2), round((scaled[1] - size) / 2)
    # Where the crop is larger than the picture, Pillow pads with black, as torchvision does.
    return np.asarray(image.crop((left, top, left + size, top + size)))


def normalise(pixels: NDArray[Any], preprocessing: Preprocessing) -> Tensor:
    """Scale uint8 (N, H, W, 3) to 0..1, subtract the mean, divide by the deviation; return float32 (N, 3, H, W)."""
    mean = np.asarray(preprocessing.mean, dtype=np.float32)
    std = np.asarray(preprocessing.std, dtype=np.float32)
    scaled = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def preprocess(image: Image.Image, preprocessing: Preprocessing) -> Tensor:
    """Return one image as float32 (3, H, W)."""
    single: Tensor = normalise(fit(image, preprocessing)[None], preprocessing)[0]
    return single


def preprocess_batch(images: Sequence[Image.Image], preprocessing: Preprocessing) -> Tensor:
    """Return N images as float32 (N, 3, H, W)."""
    return normalise(np.stack([fit(image, preprocessing) for image in images]), preprocessing)
