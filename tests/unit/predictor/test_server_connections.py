"""Connections made to hurt, to the real process: slow, idle, flooding, contradictory ones; others are still heard."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from transfermodel_predictor.application.connections import CONNECTIONS, HEAD_BYTES, HEAD_SECONDS
from transfermodel_predictor.application.requests import BODY_SECONDS

from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import PredictorProcess, predictor
from tests.support.predictor_requests import V1, V2, instance
from tests.support.raw_http import (
    Answer,
    connection,
    forget_peak,
    is_closed,
    peak_bytes,
    read_answer,
    resident_bytes,
    seconds_of,
)

pytestmark = pytest.mark.unit
MEGABYTE = 1_000_000
BODY = json.dumps({"instances": [instance(picture())]}).encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
POST = f"POST {V1} HTTP/1.1\r\nHost: x\r\n".encode()
GET = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictorProcess]:
    """A predictor of this module's own, with the limits that it has in a cluster."""
    folder = tmp_path_factory.mktemp("connections")
    digest = write_artifact(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder) as started:
        started.wait_ready()
        yield started
        assert started.client.post(V1, content=BODY).status_code == 200
        assert "Traceback" not in started.log.read_text()


def asked(process: PredictorProcess, *parts: bytes) -> Answer | None:
    """Send bytes on a connection of their own, and return the first answer, which must come within a second."""
    for _ in range(5):  # on a busy machine
        with connection(process.client) as opened:
            begun = time.perf_counter()
            try:
                for part in parts:
                    opened.sendall(part)
            except ConnectionError:
                pass  # refused before all was sent
            answer = read_answer(opened)
            if time.perf_counter() - begun < 1:
                return answer
    raise AssertionError("no answer within a second")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % index for index in range(20_000)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x" * 200_000 + b": y\r\n\r\n",
        b"GET /v2?" + b"a=b&" * 50_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_heads_that_are_too_large(process: PredictorProcess, head: bytes) -> None:
    answer = asked(process, head)
    assert answer is not None
    assert answer.status == 431
    assert f"above {HEAD_BYTES} bytes" in answer.sentence
    assert answer.headers["connection"] == "close"
    assert len(answer.headers["x-request-id"]) == 32


def test_a_head_without_end_takes_no_memory(process: PredictorProcess) -> None:
    pid = process.process.pid
    before = resident_bytes(pid)
    forget_peak(pid)
    with connection(process.client) as opened, suppress(ConnectionError):
        opened.sendall(POST)
        for _ in range(2000):
            opened.sendall(b"X-Y: " + b"z" * 100_000 + b"\r\n")
        raise AssertionError("200 MB of headers were taken")
    assert peak_bytes(pid) - before < 20 * MEGABYTE


def test_a_head_of_the_largest_size_is_read(process: PredictorProcess) -> None:
    answer = asked(process, b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 60_000 + b"\r\n\r\n")
    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        # Smuggling: where a proxy and a server disagree on a body's end, one client's bytes become another's request.
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        POST + b"Content-Length: +4\r\n\r\nabcd",
        POST + b"Content-Length: 4, 4\r\n\r\nabcd",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
        POST + b"Content-Length : 4\r\n\r\nabcd",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcdX\r\n",
        # Not HTTP/1.1 at all.
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\nhello\r\n",
    ],
)
def test_requests_that_contradict_themselves(process: PredictorProcess, request_bytes: bytes) -> None:
    """They are refused, and what follows on the connection is no request."""
    with connection(process.client) as opened:
        opened.sendall(request_bytes)
        answer = read_answer(opened)
        assert answer is not None
        assert answer.status == 400
        assert answer.sentence.endswith(".")
        try:
            opened.sendall(GET)
        except ConnectionError:
            return
        assert is_closed(opened, 2)


def test_requests_in_a_row_are_answered_in_their_order(process: PredictorProcess) -> None:
    other = POST.replace(b"colours", b"other")
    with connection(process.client) as opened:
        opened.sendall(
            (POST + LENGTH + b"X-Request-Id: a\r\n\r\n" + BODY) + GET + (other + LENGTH + b"\r\n" + BODY) + GET
        )
        data = b""
        while data.count(b"HTTP/1.1 ") < 4 or not data.endswith(b"}"):
            data += opened.recv(65_536)
    parts = data.split(b"HTTP/1.1 ")[1:]
    assert [int(part[:3]) for part in parts] == [200, 200, 404, 200]
    assert b"predictions" in parts[0]


def test_idle_connections_make_room(process: PredictorProcess) -> None:
    """More than there may be: the one that has been idle for longest is closed; who comes later is heard."""
    with ExitStack() as stack:
        opened = []
        for _ in range(CONNECTIONS + 100):
            opened.append(stack.enter_context(connection(process.client)))
        fresh = stack.enter_context(connection(process.client))
        fresh.sendall(GET)
        answer = read_answer(fresh)
        assert answer is not None
        assert answer.status == 200
        assert all(is_closed(old, 2) for old in opened[:90])
        opened[-1].sendall(GET)
        assert read_answer(opened[-1]) is not None
        assert process.client.post(V1, content=BODY).status_code == 200


def test_requests_in_work_keep_their_connection_in_a_flood(process: PredictorProcess) -> None:
    with connection(process.client) as working, ExitStack() as stack:
        working.sendall(POST + LENGTH + b"\r\n" + BODY[:-3])
        for _ in range(CONNECTIONS + 50):
            stack.enter_context(connection(process.client))
        working.sendall(BODY[-3:])
        answer = read_answer(working)
        assert answer is not None
        assert answer.status == 200


def test_slow_clients_are_sent_away(process: PredictorProcess) -> None:
    """A head, a body, and an answer that nobody reads, a byte at a time or none; health is as quick as ever."""
    waited: dict[str, float] = {}
    answers: dict[str, Answer | None] = {}

    def slowly(name: str, begin: bytes, drop: bytes) -> None:
        with connection(process.client, timeout=BODY_SECONDS + 10) as opened:
            begun = time.perf_counter()
            opened.sendall(begin)
            if begin.startswith(GET):
                first = read_answer(opened)
                assert first is not None
            opened.settimeout(0.5)
            while time.perf_counter() - begun < BODY_SECONDS + 10:
                try:
                    opened.sendall(drop)
                    answers[name] = read_answer(opened)
                    break
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            waited[name] = time.perf_counter() - begun

    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    slow = {
        "head": (POST, b"X: y\r\n"),
        "head after another": (GET + b"GET", b""),
        "nothing": (b"", b""),
        "body": (POST + b"Content-Length: 60000\r\n\r\n{", b" "),
        "body of V2": (POST.replace(V1.encode(), V2.encode()) + b"Content-Length: 60000\r\n\r\n{", b""),
        "chunks": (chunked, b"1\r\n \r\n"),
        "a chunk's length": (chunked, b"0"),
    }
    threads = [threading.Thread(target=slowly, args=(name, *parts)) for name, parts in slow.items()]
    for thread in threads:
        thread.start()
    waits = []
    while any(thread.is_alive() for thread in threads):
        waits.append(seconds_of(process.client))
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert sorted(waits)[int(0.99 * len(waits))] < 1
    assert waited.keys() == slow.keys()
    for name, seconds in waited.items():
        limit = BODY_SECONDS if "body" in name or "chunk" in name else HEAD_SECONDS
        assert seconds < limit + 3, name
    for name in ("head", "head after another", "body", "body of V2", "chunks"):
        answer = answers[name]
        assert answer is not None, name
        assert answer.status == 408
        assert answer.sentence
        assert answer.headers["connection"] == "close"
    assert answers["nothing"] is None


def test_a_client_that_does_not_read_is_given_up(process: PredictorProcess) -> None:
    """It asks again and again, and reads nothing: what is written for it is bounded."""
    pid = process.process.pid
    before = resident_bytes(pid)
    forget_peak(pid)
    big = json.dumps({"instances": [instance(picture())] * 256}).encode()
    request = POST + b"Content-Length: %d\r\n\r\n" % len(big) + big
    with connection(process.client, timeout=1) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            for _ in range(300):
                opened.sendall(request)
        except TimeoutError:
            pass  # it is not read from any more either
        assert process.client.post(V1, content=BODY).status_code == 200
    assert peak_bytes(pid) - before < 60 * MEGABYTE


def test_an_upgrade_is_not_made(process: PredictorProcess) -> None:
    upgrade = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    answer = asked(process, upgrade)
    assert answer is not None
    assert answer.status == 200
    # As Java's client sends by itself.
    body = POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + LENGTH + b"\r\n" + BODY
    answer = asked(process, body)
    assert answer is not None
    assert answer.status == 400
    assert "send it without the header Upgrade" in answer.sentence


def test_browsers_are_told_nothing_but_json(process: PredictorProcess) -> None:
    response = process.client.get("/v1/models/<script>alert(1)<", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
