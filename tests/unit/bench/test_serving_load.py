"""The load generator against a real server: what it counts, and that it hides nothing."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bench.serving.load import process
from tests.bench.serving.load.client import run
from tests.bench.serving.load.plan import Plan, Seen
from tests.bench.serving.traffic import check_answered
from tests.support.predictor_process import free_port

pytestmark = pytest.mark.unit

Answer = Callable[[int, asyncio.StreamWriter], Coroutine[Any, Any, None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 13\r\n\r\nstill loading"


class Served:
    """What the server has seen."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        self.requests: list[bytes] = []


@contextmanager
def server(answer: Answer) -> Iterator[Served]:
    """Answer on loopback, in a thread; `answer` gets the request's number."""
    loop = asyncio.new_event_loop()
    served = Served(free_port())

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0
                )
                served.requests.append(head + await reader.readexactly(length))
                await answer(len(served.requests), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listener = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", served.port))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(listener.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


async def ok(_: int, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


async def a_third_is_busy(number: int, writer: asyncio.StreamWriter) -> None:
    writer.write(BUSY if number % 3 == 0 else OK)


async def never(_: int, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0)


async def hang_up(number: int, writer: asyncio.StreamWriter) -> None:
    if number % 2:
        writer.write(OK)
    else:
        writer.transport.abort()


async def ten_milliseconds(_: int, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.01)
    writer.write(OK)


async def no_http(_: int, writer: asyncio.StreamWriter) -> None:
    writer.write(b"what?\r\n\r\n")


def ask(port: int, seconds: float = 0.3, **changes: Any) -> Seen:
    return run(Plan(port, "/", seconds=seconds, warm_up_seconds=0.0, **changes))


def test_every_request_is_counted_and_connections_are_kept() -> None:
    with server(ok) as served:
        seen = ask(served.port, connections=3)
    assert seen.failures == {}
    assert seen.sent == len(served.requests) == len(seen.latencies)
    assert 0 <= seen.sent - seen.answered <= 3  # those on their way at the end
    assert served.connections == 3
    assert seen.rate == pytest.approx(seen.answered / 0.3)
    assert seen.rate > 300


def test_bodies_go_out_in_turns_with_their_length_and_headers(tmp_path: Path) -> None:
    for name in ("a", "bb"):
        (tmp_path / name).write_text(name)
    with server(ok) as served:
        ask(
            served.port,
            bodies=tuple(str(tmp_path / name) for name in ("a", "bb")),
            headers={"Host": "model.example", "Content-Type": "application/octet-stream"},
            most=3,
        )
    heads, bodies = zip(*(request.split(b"\r\n\r\n", 1) for request in served.requests), strict=True)
    assert bodies == (b"a", b"bb", b"a")
    assert heads[1].split(b"\r\n") == [
        b"POST / HTTP/1.1",
        b"Content-Type: application/octet-stream",
        b"Host: model.example",
        b"Content-Length: 2",
    ]


def test_other_answers_are_failures_with_what_was_said() -> None:
    with server(a_third_is_busy) as served:
        seen = ask(served.port)
    assert seen.failures == {"status 503": len(served.requests) // 3}
    assert seen.failed == seen.sent - len(seen.latencies)
    assert seen.said == "still loading"
    assert served.connections == 1


def test_failures_of_the_warm_up_are_counted_too() -> None:
    with server(a_third_is_busy) as served:
        seen = run(Plan(served.port, "/", seconds=0.01, warm_up_seconds=0.2))
    assert seen.failed == len(served.requests) // 3 > 1


def test_what_is_never_answered_times_out() -> None:
    with server(never) as served:
        seen = ask(served.port, seconds=0.25, timeout_seconds=0.1, connections=2)
    assert set(seen.failures) == {"timed out"}
    assert seen.sent == seen.failed >= 4
    assert seen.answered == 0
    with pytest.raises(ValueError, match=r"Nothing was answered: \{'timed out': "):
        seen.percentile(0.5)


def test_a_connection_that_is_cut_is_a_failure_and_made_anew() -> None:
    with server(hang_up) as served:
        seen = ask(served.port, most=10)
    assert seen.failures == {"disconnected": 5}
    assert len(seen.latencies) == 5
    assert served.connections == 5


def test_what_does_not_listen_is_refused() -> None:
    seen = ask(free_port(), seconds=0.1)
    assert set(seen.failures) == {"refused"}
    assert 1 <= seen.sent <= 12  # it pauses after each


def test_what_is_no_http_is_a_failure() -> None:
    with server(no_http) as served:
        assert set(ask(served.port, most=2).failures) == {"disconnected"}


def test_latencies_are_those_of_the_server() -> None:
    with server(ten_milliseconds) as served:
        seen = ask(served.port, connections=2)
    assert 0.009 < seen.percentile(0.5) < 0.05
    assert seen.percentile(0.0) == min(seen.latencies)
    assert seen.percentile(1.0) == max(seen.latencies)
    assert seen.rate <= 200


def test_by_the_clock_a_stall_counts_for_all_that_were_due() -> None:
    async def stall_once(number: int, writer: asyncio.StreamWriter) -> None:
        if number == 3:
            await asyncio.sleep(0.2)
        writer.write(OK)

    with server(stall_once) as served:
        seen = ask(served.port, seconds=0.4, interval_seconds=0.02)
    assert len(served.requests) == seen.sent == pytest.approx(20, abs=1)
    # Ten were due while it stood still; had the clock waited for the answers, there would be one late answer.
    assert sum(latency > 0.05 for latency in seen.latencies) >= 6


def test_a_load_without_an_answer_is_no_measurement() -> None:
    seen = Seen(3, 0, 2.0, [], {"status 503": 3}, "still loading", 0.0)
    sentence = "At concurrency 8 nothing was answered within 2 s (3 status 503) still loading: measure longer"
    with pytest.raises(RuntimeError, match=re.escape(sentence)):
        check_answered(seen, "At concurrency 8")
    check_answered(replace(seen, answered=1, latencies=[2.5]), "At concurrency 8")


def test_it_ends_at_the_most_requests_and_soon_after_its_time() -> None:
    with server(ok) as served:
        assert ask(served.port, most=7, connections=3).sent == 7
        begun = time.perf_counter()
        ask(served.port, seconds=0.2)
        assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": "192.0.2.1"}, "The load generator asks this machine alone, and 192.0.2.1 is another one."),
        ({"connections": 0}, "A load needs a connection"),
        ({"seconds": 0.0}, "A load needs a connection"),
    ],
)
def test_plans_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(80, "/", **changes)


def test_its_own_process_tells_the_same_and_what_it_took_itself() -> None:
    with server(a_third_is_busy) as served:
        seen = process.run(Plan(served.port, "/", seconds=0.3, warm_up_seconds=0.0, connections=2))
    assert seen.sent == len(served.requests) > 10
    assert seen.failures == {"status 503": len(served.requests) // 3}
    assert 0 < seen.processor_share <= 1.2


def test_a_process_that_fails_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "to_wire", lambda _: {"bodies": [], "nonsense": 1})
    with pytest.raises(RuntimeError, match=r"The load generator failed: .*nonsense"):
        process.run(Plan(1, "/"))
