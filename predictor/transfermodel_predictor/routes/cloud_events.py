"""Requests that come as CloudEvents, and are answered with one, as kserve does.

https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.responses import Response

from transfermodel_predictor.protocol.errors import RequestInvalid
from transfermodel_predictor.protocol.sources import check_elements

HEADERS: Final = ("ce-id", "ce-source", "ce-type", "ce-specversion")
STRUCTURED: Final = "application/cloudevents+json"
ANSWER: Final = "io.kserve.inference.response"


@dataclass(frozen=True)
class Opened:
    """An event's content."""

    data: bytes
    """JSON."""
    structured: bool

    def answered(self, model_name: str, answer: dict[str, Any]) -> Response:
        """Return the answer as an event, packed as the request was."""
        from cloudevents.conversion import to_binary, to_structured
        from cloudevents.http import CloudEvent

        event = CloudEvent({"type": ANSWER, "source": f"io.kserve.inference.{model_name}"}, answer)
        headers, content = to_structured(event) if self.structured else to_binary(event, orjson.dumps)
        return Response(content, headers=headers, media_type=None if self.structured else "application/json")


def opened(headers: Mapping[str, str], body: bytes) -> Opened | None:
    """Return what is in the event, or None where the request is none.

    Raises:
        RequestInvalid, RequestTooLarge: It cannot be opened.
    """
    structured = headers.get("content-type", "").startswith(STRUCTURED)
    if not structured and not all(name in headers for name in HEADERS):
        return None
    check_elements(body)
    # Few requests are events: what reads them is imported for these alone.
    from cloudevents.http import from_http

    try:
        data = from_http(dict(headers), body).data
        content = data if isinstance(data, bytes) else orjson.dumps(data)
    except Exception as error:  # the CloudEvents library raises anything
        raise RequestInvalid(f"The CloudEvent cannot be read: {error}") from error
    return Opened(content, structured)
