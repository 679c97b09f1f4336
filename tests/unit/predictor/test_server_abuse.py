"""Bodies made to hurt, sent to the real process with its real limits: refused at once, in bounded memory."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.abuse import MEGABYTE, refused, unharmed
from tests.support.colours import picture
from tests.support.predictor_process import MODEL, PredictorProcess
from tests.support.predictor_requests import LENGTH, V1, V2, b64, binary_request, instance, sentence
from tests.support.raw_http import resident_bytes

pytestmark = pytest.mark.unit
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", [V1, V2, f"/v1/models/{MODEL}:explain"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"instances":' + b"[" * 5_000_000, "not JSON"),
        (b'{"inputs":' + b'{"a":' * 500_000 + b"1" + b"}" * 500_001, "not JSON"),
        (b'{"instances": [NaN]}', "not JSON"),
        (b'{"inputs": [{"shape": [Infinity]}]}', "not JSON"),
        (b'{"instances": [1e999]}', ""),
        (b'{"instances": [' + b"9" * 1_000_000 + b"]}", ""),
        (b'{"instances": "' + b"\\u0041" * 1_000_000, "not JSON"),
    ],
)
def test_json_made_to_hurt(abused: PredictorProcess, path: str, body: bytes, said: str) -> None:
    assert said in refused(abused, body, JSON, path, megabytes=60)


def test_millions_of_numbers(abused: PredictorProcess) -> None:
    numbers = b"0," * 25_000_000 + b"0"
    body = b'{"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 9, 9, 3], "data": [' + numbers + b"]}]}"
    assert "Send pixels in binary form" in refused(abused, body, JSON, V2, status=413, megabytes=170)
    event = {"ce-id": "1", "ce-source": "test", "ce-type": "image", "ce-specversion": "1.0"}
    refused(abused, b'{"instances": [' + numbers + b"]}", event, status=413, megabytes=170)


def test_as_many_objects_as_may_be(abused: PredictorProcess) -> None:
    """The most memory that JSON takes in relation to its length."""
    body = b'{"instances": [' + b'{"a":1},' * 990_000 + b"{}]}"
    refused(abused, body, JSON, status=413, megabytes=330)


def test_a_sample_that_is_mostly_white_space(abused: PredictorProcess) -> None:
    body = b'{"instances": [{"image": {"b64": "' + b"A " * 13_000_000 + b'"}}]}'
    refused(abused, body, JSON, megabytes=170)


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"name": "x" * MEGABYTE},
        lambda: {"name": [0] * 999_000},
        lambda: {"name": "image", "datatype": ["x"] * 999_000},
        lambda: {"name": "image", "datatype": "BYTES", "shape": [1] * 999_000, "data": []},
        lambda: {"name": "image", "datatype": "BYTES", "shape": [10**15], "data": []},
        lambda: {"name": "pixels", "datatype": "UINT8", "shape": [1, 2**31, 2**31, 3], "data": []},
        lambda: {
            "name": "image",
            "datatype": "BYTES",
            "shape": [1],
            "parameters": {"binary_data_size": "9" * MEGABYTE},
        },
    ],
)
def test_inputs_that_are_far_too_much(abused: PredictorProcess, make: Callable[[], dict[str, object]]) -> None:
    body = json.dumps({"inputs": [make()]}).encode()
    response = abused.client.post(V2, content=body)
    assert response.status_code in (400, 413)
    assert len(sentence(response)) < 400
    refused(abused, body, JSON, V2, status=response.status_code, megabytes=120)


def test_binary_data_that_promises_more_than_it_has(abused: PredictorProcess) -> None:
    document = {"name": "pixels", "datatype": "UINT8", "shape": [256, 7000, 7000, 3]}
    body = json.dumps({"inputs": [document | {"parameters": {"binary_data_size": 3}}]}).encode()
    refused(abused, body + b"abc", {LENGTH: str(len(body))}, V2)
    whole, headers = binary_request([picture()] * 3)
    length = int(headers[LENGTH])
    refused(abused, whole[:length] + b"\xff" * (len(whole) - length), headers, V2)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x" * 1000])
def test_packed_bodies(abused: PredictorProcess, encoding: str) -> None:
    bomb = gzip.compress(bytes(20 * MEGABYTE))
    assert "send it as it is" in refused(abused, bomb, {"Content-Encoding": encoding}, status=415)


def test_a_body_without_end(abused: PredictorProcess) -> None:
    """It is refused where it is above the limit; and what comes after is thrown away, and not for long."""
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        while True:
            yield bytes(MEGABYTE)
            sent += 1

    with unharmed(abused, 170), httpx.Client(base_url=abused.client.base_url, timeout=10, trust_env=False) as client:
        begun = time.perf_counter()
        try:
            status = client.post(V1, content=chunks()).status_code
        except httpx.TransportError:
            status = 413  # the server hung up on a client that would not stop
        assert status == 413
        assert time.perf_counter() - begun < 10
    assert 64 <= sent < 120, "megabytes"


def test_a_body_that_says_that_it_is_too_large(abused: PredictorProcess) -> None:
    response = abused.client.post(V1, content=b" " * (64 * MEGABYTE + 1))
    assert response.status_code == 413
    assert "above 64000000 bytes" in sentence(response)


def test_large_bodies_together_are_bounded_and_small_ones_are_answered_beside_them(abused: PredictorProcess) -> None:
    filled, release = threading.Semaphore(0), threading.Event()
    statuses: list[int] = []

    def send() -> None:
        def chunks() -> Iterator[bytes]:
            try:
                for _ in range(50):
                    yield b" " * MEGABYTE
            finally:
                filled.release()
            release.wait(10)

        with httpx.Client(base_url=abused.client.base_url, timeout=30, trust_env=False) as client:
            try:
                statuses.append(client.post(V1, content=chunks()).status_code)
            except httpx.TransportError:
                statuses.append(429)

    threads = [threading.Thread(target=send) for _ in range(6)]
    with unharmed(abused, 330):
        for thread in threads:
            thread.start()
        for _ in threads:
            filled.acquire(timeout=10)
        assert abused.client.post(V1, json={"instances": [instance(picture())]}).status_code == 200
        release.set()
        for thread in threads:
            thread.join()
    assert sorted(set(statuses)) == [400, 429]
    # All of it is given back.
    response = abused.client.post(V1, content=b" " * (60 * MEGABYTE))
    assert response.status_code == 400


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "%00", "x" * 5000, "<script>", "colours%20", "%F0%9F%90%B1"]
)
def test_models_that_are_not_there(abused: PredictorProcess, name: str) -> None:
    for path in (f"/v1/models/{name}:predict", f"/v2/models/{name}/infer", f"/v2/models/{MODEL}/versions/{name}/infer"):
        response = abused.client.post(path, content=b"{}")
        assert response.status_code == 404
        assert len(sentence(response)) < 400
        assert response.headers["content-type"] == "application/json"


def test_refused_bodies_are_forgotten(abused: PredictorProcess) -> None:
    """A hundred of them, more than a gigabyte in all, leave little but what the allocator keeps for the next."""
    body = b'{"instances": [{"image": {"b64": "' + b64(bytes(3 * MEGABYTE)).encode() + b'"}}]}'
    for _ in range(10):
        abused.client.post(V1, content=body)
    before = resident_bytes(abused.process.pid)
    for _ in range(100):
        assert abused.client.post(V1, content=body).status_code == 400
    assert resident_bytes(abused.process.pid) - before < 150 * MEGABYTE
