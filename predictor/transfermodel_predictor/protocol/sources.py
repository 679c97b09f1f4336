"""The images of a request, each opened only when its turn comes: one decoded image in memory at a time."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.inference.decode import UnreadableImage, decode_image
from transfermodel_predictor.protocol.errors import RequestInvalid, RequestTooLarge


@dataclass(frozen=True)
class EncodedImage:
    """An image file."""

    place: str
    """Where in the request it is, for messages."""
    data: bytes

    def image(self, limits: Limits) -> Image.Image:
        """Decode it.

        Raises:
            RequestInvalid, RequestTooLarge: It is no image, or too large.
        """
        if len(self.data) > limits.image_bytes:
            raise RequestTooLarge(
                f"{self.place} has {len(self.data)} bytes; at most {limits.image_bytes} are accepted. "
                "Send a smaller image: the model scales it down anyway."
            )
        try:
            return decode_image(self.data, limits.image_pixels)
        except UnreadableImage as error:
            raise RequestInvalid(f"{self.place}: {error}") from error


@dataclass(frozen=True)
class PixelImage:
    """An image as it is, (H, W, 3)."""

    pixels: NDArray[np.uint8]

    def image(self, limits: Limits) -> Image.Image:
        """Wrap it; its size was checked when the request was read."""
        return Image.fromarray(np.ascontiguousarray(self.pixels))


Source = EncodedImage | PixelImage


def encoded_image(place: str, text: Any, limits: Limits) -> EncodedImage:
    """Read base64.

    Raises:
        RequestInvalid, RequestTooLarge: It is none, or longer than an image may be.
    """
    if not isinstance(text, str):
        raise RequestInvalid(f"{place} is {kind(text)}; a string with the image file in base64 is needed.")
    # 4 characters for 3 bytes: refused before anything is unpacked.
    if len(text) // 4 * 3 > limits.image_bytes + 2:
        raise RequestTooLarge(
            f"{place} has about {len(text) // 4 * 3} bytes; at most {limits.image_bytes} are accepted. "
            "Send a smaller image: the model scales it down anyway."
        )
    try:
        # Lines as `base64` of the shell breaks them are fine, everything else that is not base64 is not.
        data = base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise RequestInvalid(
            f"{place} is not base64; encode the image file, as `base64 -w0 image.png` does."
        ) from error
    return EncodedImage(place, data)


def check_batch(count: int, limits: Limits, place: str) -> None:
    """Refuse no images, and too many.

    Raises:
        RequestInvalid, RequestTooLarge: As said.
    """
    if count < 1:
        raise RequestInvalid(f"{place} is empty: send at least one image.")
    if count > limits.batch:
        raise RequestTooLarge(
            f"{place} has {count} images; at most {limits.batch} are accepted at once. Send several requests."
        )


def parse_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RequestInvalid: It is none.
    """
    if not body.strip():
        raise RequestInvalid("The body is empty: send JSON.")
    try:
        document = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise RequestInvalid(f"The body is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise RequestInvalid(f"The body is {kind(document)}; a JSON object is needed.")
    return document


def kind(value: Any) -> str:
    """Name a JSON type, with its article."""
    for types, name in (
        ((bool,), "a boolean"),
        ((str,), "a string"),
        ((int, float), "a number"),
        ((list,), "a list"),
        ((dict,), "an object"),
    ):
        if isinstance(value, types):
            return name
    return "null"
