"""The queue: coalescing, one pass per key at a time, coming back, backoff."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from transfermodel_operator import worker as module
from transfermodel_operator.worker import Key, RetryLaterError, Worker, backoff_seconds

pytestmark = pytest.mark.unit

A, B = Key("space", "a"), Key("space", "b")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(module, "FIRST_BACKOFF_SECONDS", 0.1)


@contextlib.asynccontextmanager
async def working(handle: Callable[[Key], Awaitable[float | None]], concurrency: int = 4) -> AsyncIterator[Worker]:
    worker = Worker(handle, concurrency)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(probe: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not probe():  # noqa: ASYNC110 - what is waited for is a plain list
            await asyncio.sleep(0.005)


async def test_many_wake_ups_are_one_pass() -> None:
    passes: list[Key] = []

    async def handle(key: Key) -> float | None:
        passes.append(key)
        return None

    async with working(handle) as worker:
        for _ in range(100):
            worker.enqueue(A)
        worker.enqueue(B)
        await until(lambda: len(passes) >= 2)
        await asyncio.sleep(0.05)
    assert sorted(passes) == [A, B]


async def test_a_wake_up_during_a_pass_is_not_lost_and_never_a_second_pass_at_once() -> None:
    running = 0
    most = 0
    passes = 0
    gate = asyncio.Event()

    async def handle(key: Key) -> float | None:
        nonlocal running, most, passes
        running += 1
        most = max(most, running)
        passes += 1
        await gate.wait()
        running -= 1
        return None

    async with working(handle) as worker:
        worker.enqueue(A)
        await until(lambda: running == 1)
        worker.enqueue(A)
        worker.enqueue(A)
        await asyncio.sleep(0.05)
        gate.set()
        await until(lambda: passes == 2)
        await asyncio.sleep(0.05)
    assert (most, passes) == (1, 2)


async def test_never_more_passes_than_allowed() -> None:
    running = 0
    most = 0

    async def handle(key: Key) -> float | None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        done.append(key)
        return None

    done: list[Key] = []
    keys = [Key("space", str(number)) for number in range(20)]
    async with working(handle, concurrency=3) as worker:
        for key in keys:
            worker.enqueue(key)
        await until(lambda: len(done) == 20)
    assert most == 3
    assert sorted(done) == sorted(keys)


async def test_comes_back_when_it_said_so_and_sooner_when_woken() -> None:
    loop = asyncio.get_running_loop()
    times: list[float] = []

    async def handle(key: Key) -> float | None:
        times.append(loop.time())
        return {1: 0.2, 2: 60.0}.get(len(times))

    async with working(handle) as worker:
        worker.enqueue(A)
        await until(lambda: len(times) == 2)
        worker.enqueue(A)
        await until(lambda: len(times) == 3)
    assert times[1] - times[0] >= 0.2
    assert times[2] - times[1] < 5


async def test_backoff_outlasts_wake_ups_and_ends_with_a_success() -> None:
    loop = asyncio.get_running_loop()
    times: list[float] = []

    async def handle(key: Key) -> float | None:
        times.append(loop.time())
        if len(times) == 1:
            raise RetryLaterError("busy", after_seconds=0.3)
        if len(times) == 2:
            raise ValueError("a bug")
        return None

    async with working(handle) as worker:
        worker.enqueue(A)
        await until(lambda: len(times) == 1)
        while len(times) == 1:
            worker.enqueue(A)
            await asyncio.sleep(0.01)
        await until(lambda: len(times) == 3)
        worker.enqueue(A)
        await until(lambda: len(times) == 4)
    assert times[1] - times[0] >= 0.3
    assert times[3] - times[2] < 1


def test_backoff_grows_to_its_limit_and_is_spread() -> None:
    assert {round(backoff_seconds(100), 3) for _ in range(20)} != {60.0}
    assert all(30 <= backoff_seconds(100) <= 60 for _ in range(50))
    assert backoff_seconds(3) > backoff_seconds(0)
