"""Answers in JSON, and what is answered where something went wrong."""

from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from transfermodel_predictor.observation.logs import log_fault
from transfermodel_predictor.observation.request_record import note_reason
from transfermodel_predictor.protocol.errors import RequestRefused

HEADERS: Final = {"X-Content-Type-Options": "nosniff"}
"""Names and sentences may hold what strangers sent: no browser is to take them for a page."""


def json_response(content: Any, status: int = HTTPStatus.OK) -> Response:
    """Write JSON."""
    return Response(orjson.dumps(content), status, HEADERS, media_type="application/json")


def failure(sentence: str, status: int) -> Response:
    """Say what is wrong."""
    return json_response({"error": sentence}, status)


async def refused(_: Request, error: Exception) -> Response:
    """Answer what the request must be, or when to try again."""
    assert isinstance(error, RequestRefused)  # noqa: S101 - registered for these alone
    note_reason(type(error).__name__)
    response = failure(str(error), error.status)
    response.headers.update(error.headers)
    return response


async def http_error(request: Request, error: Exception) -> Response:
    """Answer for paths and methods that there are not."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these alone
    sentences = {
        404: f"There is nothing at {request.url.path[:200]!r}; see /v2/models.",
        405: f"{request.url.path[:200]!r} does not take {request.method}.",
    }
    response = failure(sentences.get(error.status_code, str(error.detail)), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def gone(_: Request, error: Exception) -> Response:
    """Answer nobody: the client went away while it was still sending."""
    note_reason(type(error).__name__)
    return failure("The client closed the connection.", HTTPStatus.BAD_REQUEST)


async def broken(_: Request, error: Exception) -> Response:
    """Answer 500 for what is our fault; the log says what it was."""
    note_reason("Unexpected")
    log_fault(error)
    response = failure("The predictor failed; its log says why.", HTTPStatus.INTERNAL_SERVER_ERROR)
    # uvicorn closes the connection after an error; whoever would use it again must know.
    response.headers["connection"] = "close"
    return response
