"""The real server process with many clients: all are answered, or told when to come back; none waits for ever."""

import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.colours import picture, write_artifact
from tests.support.failing_colours import WHITE, fails_on_white
from tests.support.predictor_process import MODEL, PredictorProcess, predictor
from tests.support.predictor_requests import COLOURS, V1, instance
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit
CLIENTS = 16
LARGE = picture((20, 230, 20), (1200, 1200))
"""Takes some 10 ms to decode."""


def metric(process: PredictorProcess, name: str) -> float:
    """Return the value of a metric without labels."""
    (line,) = (line for line in process.client.get("/metrics").text.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


def client_of(process: PredictorProcess) -> httpx.Client:
    return httpx.Client(base_url=process.client.base_url, timeout=60, trust_env=False)


def test_clients_at_once_get_their_own_answers(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact", fails_on_white())
    names = [*COLOURS, "white", "broken"]
    files = {name: picture(colour) for name, colour in COLOURS.items()} | {
        "white": picture(WHITE),
        "broken": b"no image",
    }

    def ask(number: int) -> None:
        with client_of(process) as client:
            for turn in range(20):
                chosen = [names[(number + turn + position) % len(names)] for position in range(1 + (number + turn) % 4)]
                response = client.post(V1, json={"instances": [instance(files[name]) for name in chosen]})
                if "broken" in chosen:
                    # Or what failed in the network was noticed first.
                    assert response.status_code in ((400, 500) if "white" in chosen else (400,)), response.text
                elif "white" in chosen:
                    assert response.status_code == 500
                else:
                    assert response.status_code == 200, response.text
                    assert [answer["label"] for answer in response.json()["predictions"]] == chosen

    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(ask, range(CLIENTS)))
        assert metric(process, "transfermodel_requests_in_progress") == 0


def test_under_overload_clients_are_told_when_to_come_back(artifact: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = artifact
    body = json.dumps({"instances": [instance(LARGE)] * 6}).encode()
    slowest = 0.0
    done = threading.Event()

    def ask(_: int) -> Counter[int]:
        statuses: Counter[int] = Counter()
        with client_of(process) as client:
            for _ in range(3):
                response = client.post(V1, content=body)
                statuses[response.status_code] += 1
                if response.status_code == 429:
                    assert 1 <= int(response.headers["Retry-After"]) <= 60
                    assert "Ask again in" in response.json()["error"]
                else:
                    assert len(response.json()["predictions"]) == 6
        return statuses

    def probe() -> None:
        nonlocal slowest
        with client_of(process) as client:
            while not done.is_set():
                begun = time.perf_counter()
                assert client.get("/v2/health/ready").status_code == 200
                slowest = max(slowest, time.perf_counter() - begun)
                time.sleep(0.005)  # a probe's pause, not a wait for anything

    limits = {"TRANSFERMODEL_QUEUE_SIZE": "24"}
    with predictor(folder.as_uri(), digest, tmp_path, limits) as process:
        process.wait_ready()
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            probing = pool.submit(probe)
            statuses = sum(pool.map(ask, range(CLIENTS)), Counter[int]())
            done.set()
            probing.result()
        assert set(statuses) == {200, 429}, statuses
        assert statuses.total() == CLIENTS * 3
        assert slowest < 1
        assert process.client.post(V1, content=body).status_code == 200, "it does not recover"


def test_nothing_is_computed_for_clients_that_are_gone(artifact: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = artifact
    body = json.dumps({"instances": [instance(LARGE)] * 200}).encode()
    head = f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with predictor(folder.as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        with socket.create_connection(("127.0.0.1", process.client.base_url.port or 0)) as connection:
            connection.sendall(head + body)
            wait_for(
                lambda: metric(process, "transfermodel_samples_total") > 0,
                timeout_seconds=30,
                what="its first sample is inferred",
                interval_seconds=0.01,
            )
        wait_for(
            lambda: metric(process, "transfermodel_requests_in_progress") == 0,
            timeout_seconds=30,
            what="it is given up",
            interval_seconds=0.01,
        )
        assert metric(process, "transfermodel_samples_total") < 150
        assert process.client.post(V1, json={"instances": [instance(picture())]}).status_code == 200
        told = process.client.get("/metrics").text
        assert 'transfermodel_requests_total{code="400",protocol="v1"} 1.0' in told
        assert 'transfermodel_errors_total{reason="ClientDisconnect"} 1.0' in told
        assert "Traceback" not in process.log.read_text()
