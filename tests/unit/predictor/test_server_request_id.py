"""The id of a request, with the real process: the client's own or one made for it, on every answer."""

import re

import httpx
import pytest

from tests.support.colours import picture
from tests.support.predictor_process import MODEL
from tests.support.predictor_requests import V1, V2, image_input, instance

pytestmark = pytest.mark.unit
MADE = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", V1, {"instances": [instance(picture())]}, 200),
        ("POST", V1, {"instances": []}, 400),
        ("POST", V1, {"instances": [instance(b"no image")]}, 400),
        ("POST", "/v1/models/other:predict", {}, 404),
        ("GET", V2, None, 405),
        ("GET", "/nothing", None, 404),
        ("GET", "/v2/health/ready", None, 200),
        ("GET", f"/v2/models/{MODEL}", None, 200),
        ("GET", "/metrics", None, 200),
    ],
)
def test_every_answer_tells_the_id_that_was_sent(
    client: httpx.Client, method: str, path: str, body: object, status: int
) -> None:
    response = client.request(method, path, json=body, headers={"X-Request-Id": "order/7:3"})
    assert response.status_code == status
    assert response.headers.get_list("x-request-id") == ["order/7:3"]


def test_a_body_above_the_limit_has_its_id_too(client: httpx.Client) -> None:
    response = client.post(V1, content=b" " * 4_000_001, headers={"X-Request-Id": "big"})
    assert (response.status_code, response.headers["x-request-id"]) == (413, "big")


def test_an_id_is_made_where_none_is_sent(client: httpx.Client) -> None:
    made = {client.get("/v2").headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert all(MADE.fullmatch(identifier) for identifier in made)


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "ümlaut", "tab\there", "x\x7f"])
def test_an_id_that_would_break_a_log_is_not_taken(client: httpx.Client, sent: str) -> None:
    response = client.get("/v2", headers={b"X-Request-Id": sent.encode("latin-1")})
    # Some bytes are refused before there is a request at all.
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        assert MADE.fullmatch(response.headers["x-request-id"])


def test_the_longest_id_is_taken(client: httpx.Client) -> None:
    assert client.get("/v2", headers={"X-Request-Id": "~" * 128}).headers["x-request-id"] == "~" * 128


def test_the_id_of_version_2_is_another(client: httpx.Client) -> None:
    response = client.post(
        V2, json={"id": "42", "inputs": [image_input(picture())]}, headers={"X-Request-Id": "outside"}
    )
    assert response.json()["id"] == "42"
    assert response.headers["x-request-id"] == "outside"
