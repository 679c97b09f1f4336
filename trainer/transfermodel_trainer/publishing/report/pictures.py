"""Samples as small pictures inside the page."""

import base64
import io

import numpy as np
from PIL import Image
from torch import Tensor

LARGEST_SIDE = 112
LOSSLESS_SIDE = 32
"""Up to this many pixels a PNG is as small as a JPEG, and shows every pixel."""
JPEG_QUALITY = 82


def data_uri(pixels: Tensor) -> str:
    """Return uint8 pixels (3, S, S) as a data: URI, as the network sees them but no larger than needed."""
    image = Image.fromarray(np.ascontiguousarray(pixels.numpy().transpose(1, 2, 0)))
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    buffer = io.BytesIO()
    if max(image.size) <= LOSSLESS_SIDE:
        image.save(buffer, format="PNG", optimize=True)
        kind = "png"
    else:
        image.save(buffer, format="JPEG", quality=JPEG_QUALITY, optimize=True)
        kind = "jpeg"
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()
