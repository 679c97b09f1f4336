"""Samples that a model of a modality answers: small enough to be shown."""

import base64
import io
import wave
from typing import Any, Final

from transfermodel_predictor.inference.pipelines import blank_images
from transfermodel_predictor.protocol.forms import SampleForm

SIZE: Final = 8
RATE: Final = 8000
SENTENCE: Final = "I would buy it again"


def content(form: SampleForm) -> str:
    """Return a sample as JSON has it: a file in base64, or a text."""
    if form.name == "text":
        return SENTENCE
    data = blank_images(SIZE)[0] if form.name == "image" else silence()
    return base64.b64encode(data).decode()


def silence() -> bytes:
    """Return a WAV file of a millisecond."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(RATE)
        writer.writeframes(bytes([128]) * (RATE // 1000))
    return file.getvalue()


def v1_request(form: SampleForm) -> dict[str, Any]:
    """Return a request of version 1."""
    sample: Any = content(form)
    for key in reversed(form.keys):
        sample = {key: sample}
    return {"instances": [sample]}


def v2_request(form: SampleForm) -> dict[str, Any]:
    """Return a request of version 2."""
    tensor = {"name": form.name, "datatype": "BYTES", "shape": [1], "data": [content(form)]}
    return {"id": "42", "inputs": [tensor]}
