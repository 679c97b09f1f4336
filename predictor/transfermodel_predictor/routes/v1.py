"""Version 1 of KServe's protocol: the model, and `:predict`, also of a file as it is, and as a CloudEvent."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from transfermodel_predictor.application.requests import read_body
from transfermodel_predictor.application.responses import json_response
from transfermodel_predictor.protocol import v1
from transfermodel_predictor.protocol.parameters import TOP_K, gathered, top_k_of
from transfermodel_predictor.protocol.raw import read_raw
from transfermodel_predictor.protocol.sources import EncodedSample, parse_json
from transfermodel_predictor.routes import cloud_events
from transfermodel_predictor.service import Service

Asked = tuple[list[EncodedSample], dict[str, Any]]
"""Samples and parameters."""


def parse(
    service: Service, content_type: str | None, body: bytes, query: list[tuple[str, str]], known: tuple[str, ...]
) -> Asked:
    """Read a body; content_type: None where it is JSON in any case.

    Raises:
        RequestInvalid: It must be changed.
    """
    form, limits = service.form, service.limits
    if content_type is not None:
        sample = read_raw(content_type, body, form, limits)
        if sample is not None:
            return [sample], gathered(query, {}, known)
    document = parse_json(body)
    return v1.parse_request(document, form, limits), gathered(query, document, known)


def routes(service: Service) -> list[Route]:
    """Return the paths."""

    async def model(request: Request) -> Response:
        service.check(request.path_params["model_name"])
        described = service.metadata()
        return json_response(
            {
                "name": service.name,
                "ready": True,
                "version": service.version,
                **{key: described[key] for key in ("inputs", "outputs", "labels", "parameters")},
            }
        )

    async def predict(request: Request) -> Response:
        service.check(request.path_params["model_name"])
        body = await read_body(request)
        event = cloud_events.opened(request.headers, body)
        content_type, data = (request.headers.get("content-type", ""), body) if event is None else (None, event.data)
        query = request.query_params.multi_items()
        samples, parameters = await service.read(parse, service, content_type, data, query, (TOP_K,))
        top_k = top_k_of(parameters)
        answer = v1.answer(await service.predict(samples), service.version, top_k)
        return json_response(answer) if event is None else event.answered(service.name, answer)

    return [
        Route("/v1/models/{model_name}:predict", predict, methods=["POST"]),
        Route("/v1/models/{model_name}", model),
    ]
