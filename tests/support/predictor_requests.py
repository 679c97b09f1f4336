"""Requests to the predictor, and what its refusals look like."""

import base64
import json
from typing import Any

import httpx

from tests.support.predictor_process import MODEL

COLOURS = {"red": (230, 20, 20), "green": (20, 230, 20), "blue": (20, 20, 230)}
V1 = f"/v1/models/{MODEL}:predict"
V2 = f"/v2/models/{MODEL}/infer"
LENGTH = "Inference-Header-Content-Length"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def instance(data: bytes) -> dict[str, Any]:
    return {"image": {"b64": b64(data)}}


def image_input(*images: bytes, **changes: Any) -> dict[str, Any]:
    return {"name": "image", "datatype": "BYTES", "shape": [len(images)], "data": [*map(b64, images)]} | changes


def sentence(response: httpx.Response) -> str:
    """Return the refusal, which must be one sentence in JSON."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text)
    said = response.json()["error"]
    assert isinstance(said, str)
    assert len(said) > 15
    return said


def text_input(*texts: str, **changes: Any) -> dict[str, Any]:
    return {"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": [*texts]} | changes


def audio_input(*recordings: bytes, **changes: Any) -> dict[str, Any]:
    return image_input(*recordings, name="audio") | changes


def binary_request(samples: list[bytes], name: str = "image", **changes: Any) -> tuple[bytes, dict[str, str]]:
    raw = b"".join(len(sample).to_bytes(4, "little") + sample for sample in samples)
    parameters = {"binary_data_size": len(raw)}
    entry = {"name": name, "datatype": "BYTES", "shape": [len(samples)], "parameters": parameters}
    document = json.dumps({"inputs": [entry]} | changes).encode()
    return document + raw, {LENGTH: str(len(document)), "Content-Type": "application/octet-stream"}
