"""What an API server refuses becomes one of our errors, with an exit status of its own."""

import json

import pytest
from transfermodel.cluster.errors import Forbidden, KindAbsent, ObjectAbsent, of_response, of_transport
from transfermodel.errors import ExitCode, TransferModelError, Unreachable

SERVER = "https://api:6443"


def status(**answer: object) -> bytes:
    """A Status object."""
    return json.dumps({"kind": "Status", **answer}).encode()


@pytest.mark.parametrize(
    ("code", "body", "kind", "exit_code"),
    [
        (401, status(message="Unauthorized"), Unreachable, 5),
        (403, status(message="pods is forbidden"), Forbidden, 1),
        (404, status(message='"x" not found', details={"name": "x"}), ObjectAbsent, 4),
        (404, b"404 page not found", KindAbsent, 4),
        (503, status(message="etcd is down"), Unreachable, 5),
        (429, b"", Unreachable, 5),
        (418, b"teapot", TransferModelError, 1),
    ],
)
def test_answers(code: int, body: bytes, kind: type[Exception], exit_code: ExitCode) -> None:
    error = of_response(SERVER, code, body, "/api/v1/pods")
    assert type(error) is kind
    assert error.exit_code == exit_code
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "nothing listens there"),
        (TimeoutError("timed out"), "no answer in time"),
        (OSError("Failed to resolve 'api'"), "does not resolve"),
        (OSError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), "does not trust"),
    ],
)
def test_no_answer(error: Exception, words: str) -> None:
    found = of_transport(SERVER, error)
    assert isinstance(found, Unreachable)
    assert words in found.message
    assert found.remedy
