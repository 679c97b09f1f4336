"""The answers of the Open Inference Protocol as its specification has them, with nothing of ours.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from typing import Any, Final

Schema = dict[str, Any]
DATATYPES: Final = [
    *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES")
]
STRING: Final[Schema] = {"type": "string", "minLength": 1}
STRINGS: Final[Schema] = {"type": "array", "items": STRING}


def required(**properties: Schema) -> Schema:
    """Return the schema of an object that has these, and perhaps more."""
    return {"type": "object", "properties": properties, "required": [*properties]}


ERROR: Final = required(error=STRING)
SERVER_LIVE: Final = required(live={"const": True})
MODEL_READY: Final = required(name=STRING, ready={"type": "boolean"})
SERVER_METADATA: Final = required(name=STRING, version=STRING, extensions=STRINGS)
TENSOR_METADATA: Final = required(
    name=STRING, datatype={"enum": DATATYPES}, shape={"type": "array", "items": {"type": "integer", "minimum": -1}}
)
MODEL_METADATA: Final = required(
    name=STRING,
    versions=STRINGS,
    platform={"type": "string", "pattern": "^[a-z0-9]+_[a-z0-9]+$"},
    inputs={"type": "array", "items": TENSOR_METADATA, "minItems": 1},
    outputs={"type": "array", "items": TENSOR_METADATA, "minItems": 1},
)
OUTPUT: Final = required(
    name=STRING,
    shape={"type": "array", "items": {"type": "integer", "minimum": 0}},
    datatype={"enum": DATATYPES},
    data={"type": "array", "items": {"type": ["number", "string", "boolean", "array"]}},
)
INFERENCE: Final = required(
    model_name=STRING, model_version=STRING, id=STRING, outputs={"type": "array", "items": OUTPUT, "minItems": 1}
)
