"""JSON Schemas of what is sent and answered, for one model: its modality, its labels, its limits."""

from collections.abc import Sequence
from typing import Any

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.protocol import explain, v2
from transfermodel_predictor.protocol.forms import BANDS, PIXELS, SampleForm
from transfermodel_predictor.protocol.openapi import examples
from transfermodel_predictor.protocol.parameters import LARGEST, TOP_K

Schema = dict[str, Any]
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
STRING: Schema = {"type": "string"}
SIZES: Schema = {"type": "array", "items": {"type": "integer"}}


def array(items: Schema, **more: Any) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items} | more


def whole(properties: dict[str, Schema], optional: Sequence[str] = (), *, closed: bool = True, **more: Any) -> Schema:
    """Return the schema of an object; closed: it has nothing else."""
    required = [name for name in properties if name not in optional]
    shut = {"additionalProperties": False} if closed else {}
    return {"type": "object", "properties": properties, "required": required} | shut | more


def nullable(properties: dict[str, Schema], *, closed: bool) -> Schema:
    """Return the schema of an object of optional properties that may also be null."""
    return whole(properties, [*properties], closed=closed) | {"type": ["object", "null"]}


def reference(name: str) -> Schema:
    """Return a reference to one of the schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def top_k() -> Schema:
    """Return the schema of the parameter."""
    return {
        "type": "integer",
        "minimum": 1,
        "maximum": LARGEST,
        "description": "So many of the most probable labels, falling; all of them where there are fewer.",
    }


def options(form: SampleForm, labels: Sequence[str]) -> dict[str, Schema]:
    """Return the schemas of the parameters of `:explain`."""
    grid: Schema = {
        "type": "integer",
        "minimum": form.grid.lowest,
        "maximum": form.grid.highest,
        "default": form.grid.default,
        "description": f"How finely: the number of {form.grid.counts}.",
    }
    label: Schema = {
        "type": "string",
        "enum": [*labels],
        "description": "Whose probability; by default the most probable one's.",
    }
    overlay: Schema = {
        "type": "boolean",
        "default": False,
        "description": "With a picture of it, a PNG file in base64.",
    }
    found = {explain.GRID: grid, explain.LABEL: label, TOP_K: top_k()}
    return found | ({explain.OVERLAY: overlay} if form.name == "image" else {})


def sample(form: SampleForm, limits: Limits) -> Schema:
    """Return the schema of a sample as JSON has it."""
    if not form.file:
        return {"type": "string", "minLength": 1, "maxLength": limits.text_characters, "pattern": r"\S"}
    return {
        "type": "string",
        "contentEncoding": "base64",
        "contentMediaType": form.media_types[0],
        "minLength": 4,
        "maxLength": (limits.sample_bytes + 2) // 3 * 4,
        "pattern": "^[A-Za-z0-9+/]+={0,2}$",
        "description": f"{form.content[0].upper()}{form.content[1:]}: {', '.join(form.media_types)}.",
    }


def instance(form: SampleForm, limits: Limits) -> Schema:
    """Return the schema of a sample of version 1."""
    schema = sample(form, limits)
    for key in reversed(form.keys):
        schema = whole({key: schema})
    return schema


def tensor(name: str, form: SampleForm, limits: Limits) -> Schema:
    """Return the schema of an input of version 2 in JSON."""
    wanted = form.tensors[name]
    sizes = {"type": "integer", "minimum": 1}
    properties = {"name": {"const": name}, "datatype": {"const": wanted.datatype}}
    if name == PIXELS:
        shape = array(sizes, minItems=4, maxItems=4, description="[N, height, width, 3]")
        return whole(properties | {"shape": shape, "data": reference("Pixels")}, closed=False)
    shape = array(sizes, minItems=1, maxItems=2, description="[N], or [N, 1]")
    data = array(sample(form, limits), minItems=1, maxItems=limits.batch)
    return whole(properties | {"shape": shape, "data": data}, closed=False)


def requests(form: SampleForm, labels: Sequence[str], limits: Limits) -> dict[str, Schema]:
    """Return the schemas of what is sent, by name."""
    instances = array(reference("Instance"), minItems=1, maxItems=limits.batch)
    example = {"examples": [examples.v1_request(form)]}
    output = whole(
        {
            "name": {"enum": [*v2.OUTPUTS, *v2.TOP_OUTPUTS]},
            "parameters": nullable({"binary_data": {"type": "boolean"}}, closed=False),
        },
        ["parameters"],
        closed=False,
    )
    infer = {
        "id": {"type": ["string", "null"]},
        "parameters": nullable({TOP_K: top_k(), "binary_data_output": {"type": "boolean"}}, closed=False),
        "inputs": array({"anyOf": [tensor(name, form, limits) for name in form.tensors]}, minItems=1, maxItems=1),
        "outputs": array(output) | {"type": ["array", "null"]},
    }
    schemas = {
        "Instance": instance(form, limits),
        "PredictRequest": whole(
            {"instances": instances, "parameters": nullable({TOP_K: top_k()}, closed=True)},
            ["parameters"],
            closed=False,
            **example,
        ),
        "ExplainRequest": whole(
            {"instances": instances, "parameters": nullable(options(form, labels), closed=True)},
            ["parameters"],
            closed=False,
            **example,
        ),
        "InferRequest": whole(
            infer, ["id", "parameters", "outputs"], closed=False, examples=[examples.v2_request(form)]
        ),
    }
    if PIXELS in form.tensors:
        schemas["Pixels"] = array(
            {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 255}, reference("Pixels")]},
            description="Flat, or nested as the shape says.",
        )
    return schemas


def explanation(form: SampleForm, labels: Sequence[str]) -> Schema:
    """Return the schema of what is said of one sample."""
    number: Schema = {"type": "number"}
    rows = array(array(number))
    common = {"label": {"enum": [*labels]}, "probability": SHARE, "method": {"const": "occlusion"}}
    if form.name == "image":
        box = whole(dict.fromkeys(("left", "top", "width", "height"), number))
        parts = {"grid": SIZES, "saliency": rows, "box": box, "overlay": whole({"b64": STRING})}
        return whole(common | parts, ["overlay"])
    if form.name == "text":
        position: Schema = {"type": "integer", "minimum": 0}
        piece = whole({"text": STRING, "start": position, "end": position})
        return whole(common | {"grid": SIZES, "saliency": array(number), "pieces": array(piece)})
    bands = array(array(number), minItems=BANDS, maxItems=BANDS)
    return whole(common | {"grid": SIZES, "saliency": bands, "hertz": array(number), "seconds": array(number)})


def answers(form: SampleForm, labels: Sequence[str]) -> dict[str, Schema]:
    """Return the schemas of what is answered, by name."""
    described = whole({"name": STRING, "datatype": STRING, "shape": SIZES})
    grid = whole({name: {"type": "integer"} for name in ("default", "minimum", "maximum")})
    told = {
        "inputs": array(described),
        "outputs": array(described),
        "labels": array(STRING),
        "parameters": whole({"digest": STRING}, closed=False),
        "explanation": whole({"method": STRING, "grid": grid}),
    }
    output = whole(
        {
            "name": STRING,
            "datatype": STRING,
            "shape": SIZES,
            "parameters": {"type": "object"},
            "data": {"type": "array"},
        },
        ["parameters", "data"],
    )
    return {
        "Error": whole({"error": {"type": "string", "description": "What is wrong, and what to do."}}),
        "Prediction": whole(
            {
                "label": {"enum": [*labels]},
                "probability": SHARE,
                "probabilities": {"type": "object", "additionalProperties": SHARE},
                "modelVersion": STRING,
            }
        ),
        "PredictResponse": whole({"predictions": array(reference("Prediction"))}),
        "Explanation": explanation(form, labels),
        "ExplainResponse": whole(
            {"predictions": array(reference("Prediction")), "explanations": array(reference("Explanation"))}
        ),
        "InferResponse": whole(
            {
                "model_name": STRING,
                "model_version": STRING,
                "id": STRING,
                "parameters": whole({"digest": STRING}, closed=False),
                "outputs": array(output),
            }
        ),
        "Model": whole({"name": STRING, "ready": {"const": True}, "version": STRING} | told),
        "ModelMetadata": whole({"name": STRING, "versions": array(STRING), "platform": STRING} | told),
        "ModelReady": whole({"name": STRING, "ready": {"const": True}}),
        "Models": whole({"models": array(STRING)}),
        "Server": whole({"name": STRING, "extensions": array(STRING), "version": STRING}),
        "Status": whole({"status": {"const": "alive"}}),
        "Live": whole({"live": {"const": True}}),
        "Ready": whole({"ready": {"const": True}}),
    }
