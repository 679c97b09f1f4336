"""Reading images that strangers send: an allowlist of formats, a limit of pixels, and every failure a sentence."""

import io
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from transfermodel_predictor.inference.budget import Budget
from transfermodel_predictor.inference.errors import UnreadableSample
from transfermodel_predictor.inference.limits import DEFAULT

__all__ = ["FORMATS", "PIXEL_LIMIT", "UnreadableImage", "UnreadableSample", "decode_image", "to_rgb"]

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""Pillow tries no other decoder: each is code that strangers' bytes run through."""
PIXEL_LIMIT: Final = DEFAULT.image_pixels
SIDE_LIMIT: Final = 65_500
JPEG_SCALES: Final = (8, 4, 2)
"""libjpeg decodes a half, a quarter or an eighth of a JPEG file's width and height without computing the rest."""

# Pillow warns of broken metadata and of many pixels; ours is the limit that counts. Said once, for its modules alone:
# `catch_warnings` changes the filters of all threads, and two of them at once may leave them changed.
warnings.filterwarnings("ignore", module=r"PIL\.")

Size = tuple[int, int]
"""Width and height in pixels."""


class UnreadableImage(UnreadableSample):
    """The bytes are no image that can be used."""


def decode_image(
    data: bytes,
    pixel_limit: int = PIXEL_LIMIT,
    least: Callable[[Size], Size] | None = None,
    pixels: Budget | None = None,
) -> Image.Image:
    """Return an encoded image as RGB, the right way up (EXIF), of animations the first frame.

    Transparent pixels lie on black; 16-bit grey is scaled to 8 bits.

    Args:
        data: the file.
        pixel_limit: above it nothing is decoded.
        least: says of an image's size how much of it is needed; a JPEG file is decoded no larger than it must be.
            Without it, the image is as large as in the file.
        pixels: that threads may decode at the same time: each takes 4 bytes, and as many again while it is converted.

    Raises:
        UnreadableImage: It is no image, of another format, broken, or too large.
    """
    if not data:
        raise UnreadableImage("The image is empty: send the bytes of an image file.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            check_size(image, pixel_limit)
            if least is not None:
                reduce(image, least(image.size))
            with nullcontext() if pixels is None else pixels.taking(image.width * image.height):
                return to_rgb(upright(image))
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


def reduce(image: Image.Image, least: Size) -> None:
    """Have a JPEG file that is not loaded yet decoded smaller, its sides at least these.

    Only to sides of whole pixels, so that nothing is stretched. Other formats cannot do so.
    """
    width, height = image.size
    for scale in JPEG_SCALES:
        whole = width % scale == height % scale == 0
        if whole and width // scale >= least[0] and height // scale >= least[1]:
            image.draft(None, (width // scale, height // scale))
            return


def upright(image: Image.Image) -> Image.Image:
    """Return an image as its camera was held; where that needs no turning, the image itself, not a copy."""
    image.load()  # PNG may have it at the file's end
    if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
        return image
    turned: Image.Image = ImageOps.exif_transpose(image)
    return turned


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the image in mode RGB; one that is in it already is itself."""
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode.startswith("I;16") or image.mode == "I":
        # convert() would cut 16 bits off at 255 instead of scaling.
        return image.convert("I").point(lambda value: value / 257.0).convert("L").convert("RGB")
    return image.convert("RGB")
