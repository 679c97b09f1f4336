"""The samples of a request, each decoded only when its turn comes: one decoded sample in memory at a time."""

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import pybase64
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.inference.errors import UnreadableSample
from transfermodel_predictor.inference.pipelines import Pipeline
from transfermodel_predictor.protocol.errors import RequestInvalid, RequestTooLarge
from transfermodel_predictor.protocol.forms import SampleForm

ELEMENTS: Final = 1_000_000
"""Of JSON in one body: each has a byte there, but ten to two hundred in memory, and nothing else runs meanwhile."""
WHITE_SPACE: Final = b" \t\r\n\v\f"


@dataclass(frozen=True)
class EncodedSample:
    """The bytes of a file, or of a text in UTF-8."""

    place: str
    """Where in the request it is, for messages."""
    data: bytes

    def decode(self, pipeline: Pipeline) -> Any:
        """Return what the pipeline makes rows of.

        Raises:
            RequestInvalid: It is no sample of this model's modality.
        """
        try:
            return pipeline.decode(self.data)
        except UnreadableSample as error:
            raise RequestInvalid(f"{self.place}: {error}") from error


@dataclass(frozen=True)
class PixelImage:
    """An image as it is, (H, W, 3)."""

    pixels: NDArray[np.uint8]

    def decode(self, pipeline: Pipeline) -> Image.Image:
        """Wrap it; its size was checked when the request was read."""
        return Image.fromarray(np.ascontiguousarray(self.pixels))


@dataclass(frozen=True)
class DecodedSample:
    """A sample as its pipeline decodes it, which was not sent but is made here."""

    make: Callable[[], Any]

    def decode(self, _: Pipeline) -> Any:
        """Make it."""
        return self.make()


Source = EncodedSample | PixelImage | DecodedSample


def encoded_sample(place: str, data: bytes, form: SampleForm, limits: Limits) -> EncodedSample:
    """Take bytes as they are.

    Raises:
        RequestTooLarge: They are more than a sample may have.
    """
    if len(data) > limits.sample_bytes:
        raise RequestTooLarge(
            f"{place} has {len(data)} bytes; at most {limits.sample_bytes} are accepted. {form.remedy}"
        )
    return EncodedSample(place, data)


def read_value(place: str, value: Any, form: SampleForm, limits: Limits) -> EncodedSample:
    """Read a sample as JSON has it: a file in base64, or a text.

    Raises:
        RequestInvalid, RequestTooLarge: It is none, or longer than a sample may be.
    """
    if not isinstance(value, str):
        raise RequestInvalid(f"{place} is {kind(value)}; a string with {form.content} is needed.")
    if not form.file:
        return encoded_sample(place, value.encode(), form, limits)
    # 4 characters for 3 bytes: refused before anything is unpacked.
    if len(value) // 4 * 3 > limits.sample_bytes + 2:
        raise RequestTooLarge(
            f"{place} has about {len(value) // 4 * 3} bytes; at most {limits.sample_bytes} are accepted. {form.remedy}"
        )
    try:
        data = unpacked(value)
    except ValueError as error:
        raise RequestInvalid(
            f"{place} is not base64; encode the {form.one} file, as `base64 -w0 {form.file}` does."
        ) from error
    return encoded_sample(place, data, form, limits)


def unpacked(value: str) -> bytes:
    """Return what base64 says; lines as `base64` of the shell breaks them are fine, all else that is none is not.

    Raises:
        ValueError: It is not base64.
    """
    try:
        return pybase64.b64decode(value, validate=True)
    except binascii.Error:
        return pybase64.b64decode(value.encode("ascii").translate(None, WHITE_SPACE), validate=True)


def check_batch(count: int, form: SampleForm, limits: Limits, place: str) -> None:
    """Refuse no samples, and too many.

    Raises:
        RequestInvalid, RequestTooLarge: As said.
    """
    if count < 1:
        raise RequestInvalid(f"{place} is empty: send at least one {form.one}.")
    if count > limits.batch:
        raise RequestTooLarge(
            f"{place} has {count} {form.many}; at most {limits.batch} are accepted at once. Send several requests."
        )


def parse_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RequestInvalid: It is none.
    """
    if not body or body.isspace():
        raise RequestInvalid("The body is empty: send JSON.")
    check_elements(body)
    try:
        document = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise RequestInvalid(f"The body is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise RequestInvalid(f"The body is {kind(document)}; a JSON object is needed.")
    return document


def check_elements(body: bytes) -> None:
    """Refuse JSON of more elements than can be read in a moment.

    Raises:
        RequestTooLarge: There are as many commas, be it that some stand in texts.
    """
    if len(body) > ELEMENTS and (commas := body.count(b",")) > ELEMENTS:
        raise RequestTooLarge(
            f"The JSON has {commas} commas; at most {ELEMENTS} are accepted. Send pixels in binary form: the Open "
            "Inference Protocol has binary_data_size for it."
        )


def shown(value: Any) -> str:
    """Return a value as a message shows it: text or number cut off, anything else by its kind."""
    if isinstance(value, str):
        return repr(value[:80])
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else kind(value)


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
