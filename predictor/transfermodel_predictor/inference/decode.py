"""Reading images that strangers send: an allowlist of formats, a limit of pixels, and every failure a sentence."""

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from transfermodel_predictor.inference.errors import UnreadableSample
from transfermodel_predictor.inference.limits import DEFAULT

__all__ = ["FORMATS", "PIXEL_LIMIT", "UnreadableImage", "UnreadableSample", "decode_image", "to_rgb"]

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""Pillow tries no other decoder: each is code that strangers' bytes run through."""
PIXEL_LIMIT: Final = DEFAULT.image_pixels
SIDE_LIMIT: Final = 65_500


class UnreadableImage(UnreadableSample):
    """The bytes are no image that can be used."""


def decode_image(data: bytes, pixel_limit: int = PIXEL_LIMIT) -> Image.Image:
    """Return an encoded image as RGB, the right way up (EXIF), of animations the first frame.

    Transparent pixels lie on black; 16-bit grey is scaled to 8 bits.

    Raises:
        UnreadableImage: It is no image, of another format, broken, or too large.
    """
    if not data:
        raise UnreadableImage("The image is empty: send the bytes of an image file.")
    try:
        with warnings.catch_warnings():
            # Pillow warns of broken metadata and of many pixels; ours is the limit that counts.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                check_size(image, pixel_limit)
                return to_rgb(ImageOps.exif_transpose(image))
    except UnreadableImage:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImage(f"The bytes are not an image: send one of {', '.join(FORMATS)}.") from error
    except Image.DecompressionBombError as error:
        # Pillow's own limit, above ours: it counts while reading the header.
        raise UnreadableImage(
            f"The image promises far more than {pixel_limit} pixels, the most that are accepted. Make it smaller."
        ) from error
    except Exception as error:
        # Decoders raise anything, from SyntaxError to struct.error, on bytes made to hurt.
        raise UnreadableImage(f"The image is broken and cannot be decoded: {error}. Save it again.") from error


def check_size(image: Image.Image, pixel_limit: int) -> None:
    """Raise UnreadableImage where the header promises more pixels than the limit."""
    width, height = image.size
    if width * height > pixel_limit or max(width, height) > SIDE_LIMIT:
        raise UnreadableImage(
            f"The image has {width} x {height} pixels; at most {pixel_limit} in all and {SIDE_LIMIT} a side are "
            "accepted. Make it smaller: the model scales it down anyway."
        )


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the image in mode RGB."""
    if image.mode.startswith("I;16") or image.mode == "I":
        # convert() would cut 16 bits off at 255 instead of scaling.
        return image.convert("I").point(lambda value: value / 257.0).convert("L").convert("RGB")
    return image.convert("RGB")
