"""Whoever asks whether the model is ready while it loads is told when it is, and need not ask again."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from transfermodel_predictor.application.app import application
from transfermodel_predictor.configuration import read_configuration
from transfermodel_predictor.inference.opening import fetch_classifier
from transfermodel_predictor.routes import health
from transfermodel_predictor.service import Service

from tests.support.predictor_process import predictor
from tests.support.slow_bucket import bucket
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit
Artifact = tuple[Path, str]
READY = "/v2/health/ready"
LONG = 60.0


@pytest.fixture
async def service(artifact: Artifact) -> AsyncIterator[Service]:
    folder, digest = artifact
    names = {"MODEL_NAME": "colours", "ARTIFACT_URI": folder.as_uri(), "ARTIFACT_DIGEST": digest}
    service = Service(read_configuration({f"TRANSFERMODEL_{name}": value for name, value in names.items()}))
    yield service
    await service.close()


def client_of(service: Service) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application(service)), base_url="http://test")


async def asked(client: httpx.AsyncClient) -> "asyncio.Task[httpx.Response]":
    """Ask, and return when the question waits for its answer."""
    asking = asyncio.create_task(client.get(READY))
    await asyncio.sleep(0.1)
    assert not asking.done()
    return asking


async def test_it_is_told_as_soon_as_the_model_is_ready(
    service: Service, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WAIT_SECONDS", LONG)
    folder, digest = artifact
    async with client_of(service) as client:
        asking = await asked(client)
        service.serve(fetch_classifier(folder.as_uri(), digest, 1, {}))
        answer = await asyncio.wait_for(asking, LONG / 4)
        assert answer.status_code == 200
        assert (await client.get(READY)).status_code == 200


async def test_it_is_told_at_once_when_the_predictor_ends_before(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WAIT_SECONDS", LONG)
    async with client_of(service) as client:
        asking = await asked(client)
        service.end()
        assert (await asyncio.wait_for(asking, LONG / 4)).status_code == 503


async def test_it_is_told_that_the_model_loads_where_that_takes_long(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WAIT_SECONDS", 0.01)
    async with client_of(service) as client:
        answer = await asyncio.wait_for(client.get(READY), LONG / 4)
    assert answer.status_code == 503
    assert "still loading" in answer.json()["error"]


def test_who_comes_while_the_process_starts_waits_to_be_accepted(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with bucket(folder) as store, predictor("s3://bucket/artifact", digest, tmp_path, store.environment) as process:
        address = ("127.0.0.1", process.client.base_url.port)

        def connected() -> socket.socket | None:
            try:
                return socket.create_connection(address)
            except ConnectionRefusedError:
                return None

        first = wait_for(connected, timeout_seconds=30, interval_seconds=0.001, what="it listens")
        assert first is not None
        with first:
            first.settimeout(30)
            first.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: test\r\n\r\n")
            assert first.recv(100).startswith(b"HTTP/1.1 200 ")
