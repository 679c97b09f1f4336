"""What a request of version 1 asks, however it is packed: as JSON, as a file as it is, or as a CloudEvent."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from transfermodel_predictor.application.requests import read_body
from transfermodel_predictor.application.responses import json_response
from transfermodel_predictor.protocol import v1
from transfermodel_predictor.protocol.parameters import gathered
from transfermodel_predictor.protocol.raw import read_raw
from transfermodel_predictor.protocol.sources import EncodedSample, parse_json
from transfermodel_predictor.routes import cloud_events
from transfermodel_predictor.service import Service

Asked = tuple[list[EncodedSample], dict[str, Any]]
"""Samples and parameters."""


@dataclass(frozen=True)
class SampleRequest:
    """Samples to be answered for."""

    samples: list[EncodedSample]
    parameters: dict[str, Any]
    event: cloud_events.Opened | None

    def answered(self, model_name: str, answer: dict[str, Any]) -> Response:
        """Return the answer, packed as the request was."""
        return json_response(answer) if self.event is None else self.event.answered(model_name, answer)


async def read_request(service: Service, request: Request, known: tuple[str, ...]) -> SampleRequest:
    """Read a request; known: the names of the parameters that it may have.

    Raises:
        RequestInvalid: It must be changed.
    """
    body = await read_body(request)
    event = cloud_events.opened(request.headers, body)
    content_type, data = (request.headers.get("content-type", ""), body) if event is None else (None, event.data)
    query = request.query_params.multi_items()
    samples, parameters = await service.read(parse, service, content_type, data, query, known)
    return SampleRequest(samples, parameters, event)


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
