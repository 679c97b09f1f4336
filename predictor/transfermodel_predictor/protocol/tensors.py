"""Input tensors of the Open Inference Protocol: from JSON, or from the bytes behind it.

Binary extension: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.protocol.errors import RequestInvalid, RequestTooLarge
from transfermodel_predictor.protocol.forms import PIXELS, SampleForm
from transfermodel_predictor.protocol.sources import (
    EncodedSample,
    PixelImage,
    Source,
    check_batch,
    encoded_sample,
    kind,
    read_value,
)


@dataclass(frozen=True)
class Tensor:
    """One input as it was sent: with JSON data, or with raw bytes."""

    name: str
    shape: list[int]
    data: Any
    raw: bytes | None


def read_samples(tensor: Tensor, form: SampleForm, limits: Limits) -> list[Source]:
    """Return the samples of one of the form's inputs.

    Raises:
        RequestInvalid, RequestTooLarge: Shape and content do not fit together, or are not those of such samples.
    """
    if tensor.name == PIXELS:
        return [PixelImage(pixels) for pixels in _pixels(tensor, form, limits)]
    return list(_encoded(tensor, form, limits))


def _encoded(tensor: Tensor, form: SampleForm, limits: Limits) -> list[EncodedSample]:
    name = tensor.name
    if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ([], [1]):
        raise _wrong_shape(tensor, form)
    count = tensor.shape[0]
    check_batch(count, form, limits, f"The input {name!r}")
    if tensor.raw is not None:
        elements = _split(name, tensor.raw, count)
        return [encoded_sample(f"{name}[{index}]", data, form, limits) for index, data in enumerate(elements)]
    if not isinstance(tensor.data, list):
        strings = "base64 strings" if form.file else "strings"
        raise RequestInvalid(f"The data of input {name!r} is {kind(tensor.data)}; a list of {strings} is needed.")
    flat = [
        value[0] if tensor.shape[1:] and isinstance(value, list) and len(value) == 1 else value for value in tensor.data
    ]
    if len(flat) != count:
        raise RequestInvalid(f"The input {name!r} has the shape {tensor.shape}, but {len(flat)} elements of data.")
    return [read_value(f"{name}[{index}]", value, form, limits) for index, value in enumerate(flat)]


def _split(name: str, raw: bytes, count: int) -> list[bytes]:
    """Cut BYTES in binary form: each element led by its length, 4 bytes, little end first."""
    elements, offset = [], 0
    for index in range(count):
        if offset + 4 > len(raw):
            raise RequestInvalid(f"The binary data of input {name!r} ends before element {index} of {count}.")
        (length,) = struct.unpack_from("<I", raw, offset)
        offset += 4
        if offset + length > len(raw):
            raise RequestInvalid(
                f"The binary data of input {name!r} says that element {index} has {length} bytes, but "
                f"{len(raw) - offset} are left. Each element is led by its length in 4 bytes, little end first."
            )
        elements.append(raw[offset : offset + length])
        offset += length
    if offset != len(raw):
        raise RequestInvalid(
            f"The binary data of input {name!r} has {len(raw) - offset} bytes more than its {count} elements."
        )
    return elements


def _pixels(tensor: Tensor, form: SampleForm, limits: Limits) -> NDArray[np.uint8]:
    shape = tensor.shape
    if len(shape) != 4 or shape[3] != 3 or shape[1] < 1 or shape[2] < 1:
        raise _wrong_shape(tensor, form)
    check_batch(shape[0], form, limits, f"The input {PIXELS!r}")
    if shape[1] * shape[2] > limits.image_pixels:
        raise RequestTooLarge(
            f"The images of input {PIXELS!r} have {shape[2]} x {shape[1]} pixels; at most {limits.image_pixels} are "
            "accepted."
        )
    wanted = math.prod(shape)
    array = np.frombuffer(tensor.raw, np.uint8) if tensor.raw is not None else _numbers(tensor.data)
    if array.size != wanted:
        raise RequestInvalid(
            f"The input {PIXELS!r} has the shape {shape}, which is {wanted} numbers, but {array.size} were sent."
        )
    return array.reshape(shape)


def _numbers(data: Any) -> NDArray[np.uint8]:
    """Return nested or flat lists of whole numbers from 0 to 255 as an array."""
    wrong = f"The data of input {PIXELS!r} must be whole numbers from 0 to 255, flat or nested as the shape says."
    if not isinstance(data, list):
        raise RequestInvalid(f"The data of input {PIXELS!r} is {kind(data)}. {wrong}")
    try:
        array = np.asarray(data)
    except (ValueError, OverflowError, RecursionError) as error:
        raise RequestInvalid(wrong) from error
    if array.size and (array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255):
        raise RequestInvalid(wrong)
    return array.astype(np.uint8)


def _wrong_shape(tensor: Tensor, form: SampleForm) -> RequestInvalid:
    wanted = form.tensors[tensor.name].shape
    return RequestInvalid(f"The input {tensor.name!r} has the shape {str(tensor.shape)[:80]}; {wanted} is needed.")
