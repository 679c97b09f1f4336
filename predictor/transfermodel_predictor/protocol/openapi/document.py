"""The OpenAPI document of one model, https://spec.openapis.org/oas/v3.1.0."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.protocol import v2
from transfermodel_predictor.protocol.forms import SampleForm
from transfermodel_predictor.protocol.openapi import schemas
from transfermodel_predictor.protocol.openapi.schemas import Schema, reference
from transfermodel_predictor.protocol.parameters import TOP_K
from transfermodel_predictor.protocol.raw import ANY

ABOUT: Final = (
    "A TransferModel. Each answer has the header X-Request-Id: the client's own, where it sent one of at most 128 "
    "printable characters, or one made for it. Requests of version 1 may come as CloudEvents."
)
MODEL_ERRORS: Final = (404, 503)
SAMPLE_ERRORS: Final = (400, 404, 408, 413, 415, 429, 503)
MEANINGS: Final = {
    400: "The request is not of the protocol, or a sample cannot be read.",
    404: "There is no such model or version here.",
    408: "The body did not come.",
    413: "The body, a sample or the batch is above a limit.",
    415: "The body is packed, or a sample of another kind than the model takes.",
    429: "More is asked for than can be answered in time; Retry-After says when to ask again.",
    503: "The model is still loading, or the process is ending; Retry-After says when to ask again.",
}


@dataclass(frozen=True)
class Served:
    """What the document is about."""

    name: str
    version: str
    form: SampleForm
    labels: Sequence[str]
    limits: Limits


def document(served: Served) -> dict[str, Any]:
    """Return the document."""
    form, labels, limits = served.form, served.labels, served.limits
    return {
        "openapi": "3.1.0",
        "info": {"title": served.name, "version": served.version, "description": ABOUT},
        "paths": paths(served),
        "components": {
            "schemas": schemas.requests(form, labels, limits) | schemas.answers(form, labels),
            "responses": {f"Error{status}": error(status) for status in MEANINGS},
            "headers": {"RequestId": {"description": "The request's id.", "required": True, "schema": schemas.STRING}},
        },
    }


def paths(served: Served) -> dict[str, Any]:
    """Return what each path answers."""
    form = served.form
    model = in_path("model_name", served.name)
    version = in_path("model_version", served.version)
    top_k = in_query(TOP_K, schemas.top_k())
    samples = raw_bodies(form, served.limits)
    predict = {"application/json": {"schema": reference("PredictRequest")}} | samples
    explain = {"application/json": {"schema": reference("ExplainRequest")}} | samples
    described = {
        "/v1/models/{model_name}:predict": post(
            f"Labels and probabilities of {form.many}", [model, top_k], predict, answer("PredictResponse")
        ),
        "/v1/models/{model_name}:explain": post(
            "The same, and the parts of each that the answer rests on",
            [model, *(in_query(*pair) for pair in schemas.options(form, served.labels).items())],
            explain,
            answer("ExplainResponse"),
        ),
        "/v1/models/{model_name}": get("The model", "Model", [model], MODEL_ERRORS),
        "/v1/models": get("The name of the one model", "Models"),
        "/v2/models": get("The name of the one model", "Models"),
        "/v2": get("The server", "Server"),
        "/v2/health/live": get("Whether the process lives", "Live"),
        "/v2/health/ready": get("Whether the model can answer", "Ready", errors=(503,)),
        "/": get("Whether the process lives", "Status"),
        "/metrics": text("Metrics for Prometheus", "text/plain", "application/openmetrics-text"),
        "/openapi.json": text("This document", "application/json", errors=(503,)),
        "/docs": text("This document as a page", "text/html", errors=(503,)),
    }
    for suffix, parameters in (("", [model]), ("/versions/{model_version}", [model, version])):
        path = f"/v2/models/{{model_name}}{suffix}"
        described[path] = get("What the model takes and gives", "ModelMetadata", parameters, MODEL_ERRORS)
        described[f"{path}/ready"] = get("Whether it can answer", "ModelReady", parameters, MODEL_ERRORS)
        described[f"{path}/infer"] = infer(parameters)
    return {path: named(path, operations) for path, operations in described.items()}


def infer(parameters: Sequence[Schema]) -> dict[str, Any]:
    """Return what is asked and answered in version 2."""
    length = {
        "name": v2.HEADER.title(),
        "in": "header",
        "description": "The length of the JSON part, where binary data follows it.",
        "schema": {"type": "integer", "minimum": 0},
    }
    binary = {"description": "JSON, and behind it the data of tensors that have binary_data_size."}
    return post(
        "The Open Inference Protocol",
        [*parameters, length],
        {"application/json": {"schema": reference("InferRequest")}, ANY: {"schema": binary}},
        answer("InferResponse") | {ANY: {"schema": binary}},
    )


def raw_bodies(form: SampleForm, limits: Limits) -> dict[str, Any]:
    """Return the bodies that are one sample as it is, by media type."""
    file: Schema = {
        "description": f"One {form.one}{' file' if form.file else ''}, {limits.sample_bytes} bytes at most."
    }
    bodies = {media_type: {"schema": file} for media_type in (*form.media_types, ANY)}
    if not form.file:
        bodies[form.media_types[0]] = {"schema": {"type": "string", "maxLength": limits.text_characters}}
    return bodies


def in_path(name: str, value: str) -> Schema:
    """Return a parameter of a path, which has one value."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": [value]}}


def in_query(name: str, schema: Schema) -> Schema:
    """Return a parameter of an address."""
    return {"name": name, "in": "query", "schema": schema}


def post(summary: str, parameters: Sequence[Schema], content: Schema, answered: Schema) -> dict[str, Any]:
    """Return an operation that takes samples."""
    body = {"required": True, "content": content}
    responses = {"200": ok(answered)} | errors_of(SAMPLE_ERRORS)
    return {"post": {"summary": summary, "parameters": [*parameters], "requestBody": body, "responses": responses}}


def get(summary: str, schema: str, parameters: Sequence[Schema] = (), errors: Iterable[int] = ()) -> dict[str, Any]:
    """Return an operation that tells something."""
    operation: dict[str, Any] = {"summary": summary, "responses": {"200": ok(answer(schema))} | errors_of(errors)}
    return {"get": operation | ({"parameters": [*parameters]} if parameters else {})}


def text(summary: str, *media_types: str, errors: Iterable[int] = ()) -> dict[str, Any]:
    """Return an operation that answers something else than our JSON."""
    content: Schema = {media_type: {"schema": {}} for media_type in media_types}
    return {"get": {"summary": summary, "responses": {"200": ok(content)} | errors_of(errors)}}


def answer(schema: str) -> Schema:
    """Return an answer in JSON."""
    return {"application/json": {"schema": reference(schema)}}


def ok(content: Schema) -> Schema:
    """Return a good answer."""
    return {"description": "OK", "headers": identified(), "content": content}


def error(status: int) -> Schema:
    """Return a refusal."""
    retry = {"Retry-After": {"required": True, "description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
    return {
        "description": f"{HTTPStatus(status).phrase}. {MEANINGS[status]}",
        "headers": identified() | (retry if status in (429, 503) else {}),
        "content": answer("Error"),
    }


def identified() -> Schema:
    """Return the headers of every answer."""
    return {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}


def errors_of(statuses: Iterable[int]) -> dict[str, Schema]:
    """Return references to refusals."""
    return {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in statuses}


def named(path: str, operations: dict[str, Any]) -> dict[str, Any]:
    """Give each operation an id, which generated clients make a function's name of."""
    words = re.findall("[a-z0-9]+", path.replace("model_", "")) or ["root"]
    for method, operation in operations.items():
        operation["operationId"] = "_".join([method, *words])
    return operations
