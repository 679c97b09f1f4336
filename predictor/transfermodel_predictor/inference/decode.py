"""Decoding of images that strangers send."""

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""An allowlist: Pillow knows rarer formats whose decoders were attacked (FITS: CVE-2026-40192)."""

MAX_PIXELS: Final = 50_000_000
"""A picture with more is refused before its pixels are read: a few kilobytes may claim gigabytes."""


class UnreadableImage(ValueError):
    """The bytes are no image that we decode; the message says why."""


def decode_image(data: bytes) -> Image.Image:
    """Return the image as RGB, upright by its EXIF orientation; of an animation the first frame.

    Raises:
        UnreadableImage: not an image, not of an allowed format, damaged, or too large.
    """
    if not data:
        raise UnreadableImage("the image is empty: 0 bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UnreadableImage(f"the image has {width} x {height} pixels; at most {MAX_PIXELS:,} are allowed")
            upright = ImageOps.exif_transpose(image)
            return _rgb(upright)
    except UnreadableImage:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImage(f"not an image of an allowed format ({', '.join(FORMATS)})") from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged input
        raise UnreadableImage(f"the image is damaged: {error}") from error


def _rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB, transparency on white, as people see it."""
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        background = Image.new("RGB", rgba.size, (255, 255, 255))
        background.paste(rgba, mask=rgba.getchannel("A"))
        return background
    if image.mode.startswith("I;16") or image.mode == "I":
        # 16-bit greyscale: convert() would clip instead of scale.
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    return image.convert("RGB")
