"""Which requests are seen, as what, and what becomes of a fault of ours."""

import json
import logging
from collections.abc import Iterator

import httpx
import pytest
from transfermodel_predictor.application.app import application
from transfermodel_predictor.configuration import read_configuration
from transfermodel_predictor.observation.http_requests import protocol_of, unseen
from transfermodel_predictor.observation.logs import configure, log_fault
from transfermodel_predictor.service import Service

pytestmark = pytest.mark.unit
ENVIRONMENT = {
    "TRANSFERMODEL_MODEL_NAME": "digits",
    "TRANSFERMODEL_ARTIFACT_URI": "file:///nowhere",
    "TRANSFERMODEL_ARTIFACT_DIGEST": "sha256:" + "0" * 64,
    "TRANSFERMODEL_ACCESS_LOG": "true",
}


@pytest.mark.parametrize(
    ("method", "path", "protocol"),
    [
        ("POST", "/v1/models/digits:predict", "v1"),
        ("POST", "/v2/models/digits/infer", "v2"),
        ("POST", "/v2/models/digits/versions/v1/infer", "v2"),
        ("GET", "/v2/models/digits", "other"),
        ("POST", "/v3/models/digits", "other"),
        ("GET", "/v1/models/digits", "other"),
    ],
)
def test_a_protocol_is_what_asks_the_model(method: str, path: str, protocol: str) -> None:
    assert protocol_of(method, path) == protocol
    assert not unseen(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/digits/ready",
        "/v2/models/d/versions/v1/ready",
    ],
)
def test_probes_and_scrapes_are_not_seen(path: str) -> None:
    assert unseen(path)


@pytest.fixture
def logged() -> Iterator[None]:
    """Loggers as the process has them, and as they were afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


async def test_a_fault_is_counted_and_logged_with_its_request(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], logged: None
) -> None:
    configure("json")
    service = Service(read_configuration(ENVIRONMENT))

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(service, "check", broken)
    transport = httpx.ASGITransport(application(service), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/v1/models/digits:predict", json={}, headers={"x-request-id": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine")
    assert "ZeroDivisionError" not in answer.text
    fault, line = (json.loads(text) for text in capfd.readouterr().err.splitlines())
    assert (fault["severity"], fault["requestId"]) == ("error", "mine")
    assert "ZeroDivisionError: a fault" in fault["exception"]
    assert (line["code"], line["reason"], line["requestId"]) == ("500", "Unexpected", "mine")
    text = service.metrics.exposition(None)[0].decode()
    assert 'transfermodel_requests_total{code="500",protocol="v1"} 1.0' in text
    assert 'transfermodel_errors_total{reason="Unexpected"} 1.0' in text
    await service.close()


def test_uvicorn_repeats_no_fault_and_hides_none(capfd: pytest.CaptureFixture[str], logged: None) -> None:
    configure("json")
    told, untold = ValueError("told"), ValueError("untold")
    log_fault(told)
    for error in (told, untold):
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=error)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(line["logger"], line["exception"].splitlines()[-1]) for line in lines] == [
        ("transfermodel_predictor", "ValueError: told"),
        ("uvicorn.error", "ValueError: untold"),
    ]


async def test_before_it_is_ready_is_a_reason_too(logged: None) -> None:
    service = Service(read_configuration(ENVIRONMENT))
    transport = httpx.ASGITransport(application(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.post("/v2/models/digits/infer", json={})).status_code == 503
        assert (await client.get("/v2/health/ready")).status_code == 503
        assert (await client.post("/v1/models/other:predict", json={})).status_code == 404
    text = service.metrics.exposition(None)[0].decode()
    assert 'transfermodel_requests_total{code="503",protocol="v2"} 1.0' in text
    for reason in ("NotReady", "UnknownModel"):
        assert f'transfermodel_errors_total{{reason="{reason}"}} 1.0' in text
    await service.close()
