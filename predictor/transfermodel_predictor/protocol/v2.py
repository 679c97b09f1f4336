"""Version 2, the Open Inference Protocol, in JSON and with its binary extension.

https://github.com/kserve/open-inference-protocol
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.protocol.errors import RequestInvalid
from transfermodel_predictor.protocol.forms import SampleForm
from transfermodel_predictor.protocol.parameters import top_k_of
from transfermodel_predictor.protocol.sources import Source, kind, parse_json, shown
from transfermodel_predictor.protocol.tensors import Tensor, read_samples
from transfermodel_predictor.protocol.v1 import highest

LABEL: Final = "label"
PROBABILITIES: Final = "probabilities"
OUTPUTS: Final = (LABEL, PROBABILITIES)
TOP_LABELS: Final = "top_labels"
TOP_PROBABILITIES: Final = "top_probabilities"
TOP_OUTPUTS: Final = (TOP_LABELS, TOP_PROBABILITIES)
"""There are these where the request has the parameter top_k."""
HEADER: Final = "inference-header-content-length"
DIMENSIONS: Final = 8
"""Of a shape, at most: what is longer is none, and need not be looked at."""

OutputTensor = tuple[str, list[int], Sequence[Any]]
"""Datatype, shape, and the values, flat, the last dimension the fastest."""


@dataclass(frozen=True)
class InferenceRequest:
    """What is asked."""

    id: str
    sources: list[Source]
    outputs: dict[str, bool]
    """Name of each wanted output -> whether in binary form."""
    top_k: int | None = None
    """How many of the most probable labels are asked for."""


def parse_request(body: bytes, json_length: str | None, form: SampleForm, limits: Limits) -> InferenceRequest:
    """Read a request; json_length: the header Inference-Header-Content-Length, where there is one.

    Raises:
        RequestInvalid, RequestTooLarge: The request is not of this protocol, or not for this model.
    """
    length = len(body) if json_length is None else _length(json_length, len(body))
    return read_request(parse_json(body[:length]), body[length:], form, limits)


def read_request(document: dict[str, Any], binary: bytes, form: SampleForm, limits: Limits) -> InferenceRequest:
    """Read a request's JSON, and the binary data that belongs to it. Raises as parse_request."""
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise RequestInvalid(f"'id' is {kind(identifier)}; a string is needed.")
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1:
        raise RequestInvalid(f"'inputs' must be a list of exactly one input: {form.choices}.")
    tensor = _tensor(inputs[0], binary, form)
    top_k = top_k_of(_parameters(document, "the request"))
    samples = read_samples(tensor, form, limits)
    return InferenceRequest(identifier or str(uuid.uuid4()), samples, _outputs(document, top_k), top_k)


def _length(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > most:
        raise RequestInvalid(
            f"The header Inference-Header-Content-Length is {text[:40]!r}; the length of the JSON part is needed, "
            f"of {most} bytes in all."
        )
    return int(text)


def _tensor(entry: Any, binary: bytes, form: SampleForm) -> Tensor:
    if not isinstance(entry, dict):
        raise RequestInvalid(f"inputs[0] is {kind(entry)}; an object is needed: {form.choices}.")
    name = entry.get("name")
    if not isinstance(name, str) or name not in form.tensors:
        raise RequestInvalid(f"inputs[0] has the name {shown(name)}; this model takes {form.choices}.")
    wanted = form.tensors[name]
    if entry.get("datatype") != wanted.datatype:
        raise RequestInvalid(
            f"The input {name!r} has the datatype {shown(entry.get('datatype'))}; {wanted.datatype} is needed."
        )
    shape = entry.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) > DIMENSIONS
        or not all(type(size) is int and size >= 0 for size in shape)
    ):
        raise RequestInvalid(f"The shape of input {name!r} must be a list of whole numbers: {wanted.shape}.")
    size = _parameters(entry, f"input {name!r}").get("binary_data_size")
    if size is None:
        if binary:
            raise RequestInvalid(
                f"{len(binary)} bytes follow the JSON part, but the input {name!r} has no parameter binary_data_size."
            )
        if "data" not in entry:
            raise RequestInvalid(f"The input {name!r} has no data.")
        return Tensor(name, shape, entry["data"], None)
    if "data" in entry:
        raise RequestInvalid(f"The input {name!r} has both data and binary_data_size; send one of them.")
    if type(size) is not int or size != len(binary):
        raise RequestInvalid(
            f"The input {name!r} says binary_data_size {shown(size)}, but {len(binary)} bytes follow the JSON part "
            "(whose length the header Inference-Header-Content-Length must say)."
        )
    return Tensor(name, shape, None, binary)


def _outputs(document: dict[str, Any], top_k: int | None) -> dict[str, bool]:
    """Return the wanted outputs; by default all, in JSON."""
    there = OUTPUTS if top_k is None else OUTPUTS + TOP_OUTPUTS
    default = _flag(_parameters(document, "the request"), "binary_data_output", False)
    wanted = document.get("outputs")
    if wanted is None:
        return dict.fromkeys(there, default)
    if not isinstance(wanted, list):
        raise RequestInvalid(f"'outputs' is {kind(wanted)}; a list is needed.")
    chosen: dict[str, bool] = {}
    for entry in wanted:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name not in there:
            answers = " and ".join(map(repr, there))
            remedy = " Send the parameter 'top_k' for it." if name in TOP_OUTPUTS else ""
            raise RequestInvalid(f"'outputs' asks for {shown(name)}; this model answers with {answers}.{remedy}")
        chosen[name] = _flag(_parameters(entry, f"output {name!r}"), "binary_data", default)
    return chosen or dict.fromkeys(there, default)


def _parameters(entry: dict[str, Any], owner: str) -> dict[str, Any]:
    parameters = entry.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise RequestInvalid(f"The parameters of {owner} are {kind(parameters)}; an object is needed.")
    return parameters


def _flag(parameters: dict[str, Any], name: str, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise RequestInvalid(f"The parameter {name!r} is {kind(value)}; true or false is needed.")
    return value


@dataclass(frozen=True)
class InferenceResponse:
    """What is answered."""

    body: bytes
    json_length: int | None
    """With binary outputs: the length of the part that is JSON."""


def answer(
    request: InferenceRequest, predictions: Sequence[Prediction], model_name: str, version: str, digest: str
) -> InferenceResponse:
    """Return the response's body."""
    tensors = output_tensors(predictions, request.top_k)
    outputs, tail = [], []
    for name, binary in request.outputs.items():
        datatype, shape, values = tensors[name]
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
        if binary:
            raw = raw_tensor(datatype, values)
            output["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        else:
            output["data"] = values
        outputs.append(output)
    document = orjson.dumps(
        {
            "model_name": model_name,
            "model_version": version,
            "id": request.id,
            "parameters": {"digest": digest},
            "outputs": outputs,
        }
    )
    return InferenceResponse(b"".join([document, *tail]), len(document) if tail else None)


def output_tensors(predictions: Sequence[Prediction], top_k: int | None) -> dict[str, OutputTensor]:
    """Return all outputs that there are, by name, for N >= 1 predictions."""
    count = len(predictions)
    shares = [value for prediction in predictions for value in prediction.probabilities.values()]
    tensors: dict[str, OutputTensor] = {
        LABEL: ("BYTES", [count], [prediction.label for prediction in predictions]),
        PROBABILITIES: ("FP32", [count, len(shares) // count], shares),
    }
    if top_k is not None:
        best = [pair for prediction in predictions for pair in highest(prediction, top_k)]
        shape = [count, len(best) // count]
        tensors[TOP_LABELS] = ("BYTES", shape, [label for label, _ in best])
        tensors[TOP_PROBABILITIES] = ("FP32", shape, [share for _, share in best])
    return tensors


def raw_tensor(datatype: str, values: Sequence[Any]) -> bytes:
    """Return a tensor in binary form: BYTES each led by its length, FP32 little end first."""
    if datatype == "BYTES":
        encoded = [value.encode() for value in values]
        return b"".join(len(value).to_bytes(4, "little") + value for value in encoded)
    return np.asarray(values, "<f4").tobytes()


def metadata(
    form: SampleForm, labels: Sequence[str], model_name: str, version: str, digest: str, precision: str
) -> dict[str, Any]:
    """Return what the model takes and gives; `labels` and what follows go beyond the protocol."""
    return {
        "name": model_name,
        "versions": [version],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": name, "datatype": tensor.datatype, "shape": list(tensor.sizes)}
            for name, tensor in form.tensors.items()
        ],
        "outputs": [
            {"name": LABEL, "datatype": "BYTES", "shape": [-1]},
            {"name": PROBABILITIES, "datatype": "FP32", "shape": [-1, len(labels)]},
        ],
        "labels": list(labels),
        "parameters": {"digest": digest, "precision": precision},
        "explanation": {
            "method": "occlusion",
            "grid": {"default": form.grid.default, "minimum": form.grid.lowest, "maximum": form.grid.highest},
        },
    }
