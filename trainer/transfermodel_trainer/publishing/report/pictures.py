"""Samples as small pictures inside the page."""

import base64
import io
import math
from typing import Final

import numpy as np
from PIL import Image
from torch import Tensor
from transfermodel_predictor.inference.spectrogram import RANGE

LARGEST_SIDE: Final = 112
LOSSLESS_SIDE: Final = 32
"""Up to this many pixels a PNG is as small as a JPEG, and shows every pixel."""
JPEG_QUALITY: Final = 82
LOUDNESS: Final = ((13, 8, 60), (114, 10, 110), (200, 62, 76), (249, 142, 8), (252, 255, 200))
"""Colours from silence to the loudest, each lighter than the one before it."""
SHADES: Final = 64


def data_uri(pixels: Tensor) -> str:
    """Return uint8 pixels (3, S, S) as a data: URI, as the network sees them but no larger than needed."""
    image = Image.fromarray(np.ascontiguousarray(pixels.numpy().transpose(1, 2, 0)))
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    if max(image.size) <= LOSSLESS_SIDE:
        return _encoded(image, "PNG")
    return _encoded(image, "JPEG", quality=JPEG_QUALITY)


def spectrogram_uri(row: Tensor) -> str:
    """Return a log-mel spectrogram (M, T) as a data: URI: high bands above, late frames to the right."""
    loudness = np.clip(1 - row.numpy() / math.log(RANGE), 0, 1)[::-1]
    image = Image.fromarray(np.ascontiguousarray(np.rint(loudness * (SHADES - 1)).astype(np.uint8)))
    if max(image.size) > LARGEST_SIDE:
        image = image.resize((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BOX)
    places = np.linspace(0, len(LOUDNESS) - 1, SHADES)
    colours = [np.interp(places, range(len(LOUDNESS)), channel) for channel in zip(*LOUDNESS, strict=True)]
    image.putpalette(np.rint(np.stack(colours, axis=1)).astype(np.uint8).tobytes())
    return _encoded(image, "PNG")


def _encoded(image: Image.Image, kind: str, **options: int) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, optimize=True, **options)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode()
