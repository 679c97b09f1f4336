"""Pure: gRPC's messages to what version 2 reads from JSON and the bytes behind it, and back; the checks are its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.grpc.messages import (
    InferParameter,
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
    ModelMetadataResponse,
)
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.protocol import v2
from transfermodel_predictor.protocol.errors import RequestInvalid
from transfermodel_predictor.protocol.forms import SampleForm

CONTENTS: Mapping[str, str] = {"BYTES": "bytes_contents", "UINT8": "uint_contents"}
"""Of the datatypes that inputs have."""


def read_request(message: ModelInferRequest, form: SampleForm, limits: Limits) -> v2.InferenceRequest:
    """Read a request.

    Raises:
        RequestInvalid, RequestTooLarge: The request is not of this protocol, or not for this model.
    """
    raw = len(message.raw_input_contents)
    if raw not in (0, len(message.inputs)):
        raise RequestInvalid(
            f"The request has {len(message.inputs)} inputs and {raw} raw_input_contents; send one for each, or none."
        )
    inputs, binary = [], b""
    for index, tensor in enumerate(message.inputs):
        binary = message.raw_input_contents[index] if raw else _packed(tensor, form)
        if raw and tensor.HasField("contents"):
            raise RequestInvalid(
                f"The input {tensor.name[:80]!r} has both contents and raw_input_contents; send one of them."
            )
        inputs.append(
            {
                "name": tensor.name,
                "datatype": tensor.datatype,
                "shape": list(tensor.shape),
                "parameters": _parameters(tensor.parameters) | {"binary_data_size": len(binary)},
            }
        )
    document: dict[str, Any] = {"inputs": inputs, "parameters": _parameters(message.parameters)}
    if message.outputs:
        document["outputs"] = [
            {"name": output.name, "parameters": _parameters(output.parameters)} for output in message.outputs
        ]
    return v2.read_request(document, binary, form, limits)


def write_answer(
    message: ModelInferRequest,
    asked: v2.InferenceRequest,
    predictions: Sequence[Prediction],
    name: str,
    version: str,
    digest: str,
) -> ModelInferResponse:
    """Return the answer: raw where the request was."""
    answer = ModelInferResponse(model_name=name, model_version=version, id=message.id)
    answer.parameters["digest"].string_param = digest
    tensors = v2.output_tensors(predictions, asked.top_k)
    for wanted in asked.outputs:
        datatype, shape, values = tensors[wanted]
        output = answer.outputs.add(name=wanted, datatype=datatype, shape=shape)
        if message.raw_input_contents:
            answer.raw_output_contents.append(v2.raw_tensor(datatype, values))
        elif datatype == "BYTES":
            output.contents.bytes_contents.extend(value.encode() for value in values)
        else:
            output.contents.fp32_contents.extend(values)
    return answer


def write_metadata(described: Mapping[str, Any]) -> ModelMetadataResponse:
    """Return what version 2 tells of the model, as far as the protocol has fields for it."""
    return ModelMetadataResponse(
        **{key: described[key] for key in ("name", "versions", "platform", "inputs", "outputs")}
    )


def _parameters(parameters: Mapping[str, InferParameter]) -> dict[str, Any]:
    """Return them as JSON would have them."""
    values = {}
    for name, parameter in parameters.items():
        chosen = parameter.WhichOneof("parameter_choice")
        if chosen is None:
            raise RequestInvalid(f"The parameter {name[:40]!r} has no value; leave it out, or give it one.")
        values[name] = getattr(parameter, chosen)
    return values


def _packed(tensor: ModelInferRequest.InferInputTensor, form: SampleForm) -> bytes:
    """Return a tensor's contents as raw_input_contents would have them.

    Raises:
        RequestInvalid: They are not those of its datatype, or not as many as its shape says.
    """
    name = tensor.name[:80]
    if tensor.name not in form.tensors or form.tensors[tensor.name].datatype != tensor.datatype:
        return b""  # refused with the input's name or datatype
    field = CONTENTS[tensor.datatype]
    sent = [described.name for described, _ in tensor.contents.ListFields()]
    if sent not in ([], [field]):
        raise RequestInvalid(f"The input {name!r} has {' and '.join(sent)}; {field} is needed for {tensor.datatype}.")
    contents: InferTensorContents = tensor.contents
    if tensor.datatype == "BYTES":
        if list(tensor.shape) and len(contents.bytes_contents) != tensor.shape[0]:
            raise RequestInvalid(
                f"The input {name!r} has the shape {list(tensor.shape)}, but {len(contents.bytes_contents)} "
                "bytes_contents."
            )
        return b"".join(len(element).to_bytes(4, "little") + element for element in contents.bytes_contents)
    values = np.fromiter(contents.uint_contents, np.uint32, len(contents.uint_contents))
    if values.size and values.max() > 255:
        raise RequestInvalid(f"The uint_contents of input {name!r} must be whole numbers from 0 to 255.")
    return values.astype(np.uint8).tobytes()
