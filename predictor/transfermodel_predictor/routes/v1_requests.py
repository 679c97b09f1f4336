"""What a request of version 1 asks, however it is packed: as JSON, as a file as it is, or as a CloudEvent."""

from collections.abc import Mapping
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
    body, query = await read_body(request), request.query_params.multi_items()
    return await service.read(parse, service, request.headers, body, query, known)


def parse(
    service: Service, headers: Mapping[str, str], body: bytes, query: list[tuple[str, str]], known: tuple[str, ...]
) -> SampleRequest:
    """Read a body.

    Raises:
        RequestInvalid: It must be changed.
    """
    form, limits = service.form, service.limits
    event = cloud_events.opened(headers, body)
    if event is None:
        sample = read_raw(headers.get("content-type", ""), body, form, limits)
        if sample is not None:
            return SampleRequest([sample], gathered(query, {}, known), None)
    document = parse_json(body if event is None else event.data)
    return SampleRequest(v1.parse_request(document, form, limits), gathered(query, document, known), event)
