"""What the API server answers, as our own exceptions."""

import json

import aiohttp
import pytest
from transfermodel_operator.cluster import errors

pytestmark = pytest.mark.unit


def status(code: int, reason: str, message: str, **details: object) -> bytes:
    return json.dumps(
        {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    ).encode()


@pytest.mark.parametrize(
    ("code", "body", "expected"),
    [
        (404, status(404, "NotFound", 'jobs.batch "a" not found', name="a"), errors.NotFoundError),
        (404, b"404 page not found\n", errors.KindAbsentError),
        (409, status(409, "AlreadyExists", "exists", name="a"), errors.AlreadyExistsError),
        (409, status(409, "Conflict", "the object has been modified", name="a"), errors.ConflictError),
        (410, status(410, "Expired", "too old"), errors.ConflictError),
        (401, status(401, "Unauthorized", "Unauthorized"), errors.UnauthorizedError),
        (403, status(403, "Forbidden", 'cannot list resource "jobs"'), errors.ForbiddenError),
        (422, status(422, "Invalid", "spec.replicas: Invalid value"), errors.InvalidError),
        (400, status(400, "BadRequest", "denied the request"), errors.InvalidError),
        (429, status(429, "TooManyRequests", "slow down"), errors.ThrottledError),
        (500, status(500, "InternalError", "etcdserver: no leader"), errors.UnavailableError),
        (503, b"", errors.UnavailableError),
        (500, status(500, "InternalError", 'failed calling webhook "x"'), errors.WebhookDownError),
    ],
)
def test_answers(code: int, body: bytes, expected: type[errors.ClusterError]) -> None:
    error = errors.of_response(code, body, "GET /x", None)
    assert type(error) is expected
    assert error.status == code
    assert str(error).startswith("GET /x: ")
    assert error.sentence


def test_the_server_says_when_to_come_back() -> None:
    assert errors.of_response(429, b"{}", "GET /x", "7").retry_after_seconds == 7
    assert errors.of_response(429, b"{}", "GET /x", "soon").retry_after_seconds is None


@pytest.mark.parametrize("cause", [TimeoutError(), aiohttp.ClientError("reset"), ConnectionRefusedError()])
def test_no_answer(cause: Exception) -> None:
    error = errors.of_transport(cause, "GET /x")
    assert isinstance(error, errors.UnavailableError)
    assert error.status == 0
