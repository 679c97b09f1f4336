"""The queue: any number of wake-ups for a key become one pass at a time."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

logger = logging.getLogger(__name__)


class Key(NamedTuple):
    """Names one TransferModel."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class RetryLaterError(Exception):
    """The pass failed for a reason that may go away; try again with backoff, after `after_seconds` at the earliest."""

    def __init__(self, message: str, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


Handle = Callable[[Key], Awaitable[float | None]]
"""One pass over a key; returns after how many seconds to come back, or None to wait for the next wake-up."""

CONCURRENCY: Final = 8
SETTLE_SECONDS: Final = 0.05
"""A short pause before each pass: the events of one change come in a bunch."""
FIRST_BACKOFF_SECONDS: Final = 0.5
LONGEST_BACKOFF_SECONDS: Final = 60.0


class Worker:
    """Runs `handle` for each enqueued key: never two passes of a key at once, never more than `concurrency` in all.

    A key is idle, due (in the queue), running, or running and due again. A key with a promise to come back also has a
    timer; a wake-up overtakes the timer, but not the backoff of a failed pass: events must not make a broken object
    hotter.
    """

    def __init__(self, handle: Handle, concurrency: int = CONCURRENCY) -> None:
        self._handle = handle
        self._concurrency = concurrency
        self._queue: asyncio.Queue[Key] = asyncio.Queue()
        self._due: set[Key] = set()
        self._running: set[Key] = set()
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}

    def enqueue(self, key: Key) -> None:
        """Ask for a pass soon; asking again before it begins changes nothing."""
        if key in self._failures and key in self._timers:
            return
        self._put(key)

    async def run(self) -> None:
        """Work until cancelled; whatever is left undone then is found again by the next start."""
        await asyncio.gather(*(self._work() for _ in range(self._concurrency)))

    def _put(self, key: Key) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._running:
            self._again.add(key)
        elif key not in self._due:
            self._due.add(key)
            self._queue.put_nowait(key)

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            await asyncio.sleep(SETTLE_SECONDS)
            self._due.discard(key)
            self._running.add(key)
            try:
                delay = await self._pass(key)
            finally:
                self._running.discard(key)
            if key in self._again:
                self._again.discard(key)
                if key not in self._failures:
                    delay = 0.0
            if delay is not None:
                self._come_back(key, delay)

    async def _pass(self, key: Key) -> float | None:
        """Return after how many seconds to come back, or None."""
        try:
            delay = await self._handle(key)
            self._failures.pop(key, None)
            return delay
        except RetryLaterError as error:
            delay = max(backoff_seconds(self._failures.get(key, 0)), error.after_seconds or 0.0)
            logger.warning("%s: %s; trying again in %.1f s", key, error, delay)
        except Exception:
            delay = backoff_seconds(self._failures.get(key, 0))
            logger.exception("%s: the pass failed unexpectedly; trying again in %.1f s", key, delay)
        self._failures[key] = self._failures.get(key, 0) + 1
        return delay

    def _come_back(self, key: Key, seconds: float) -> None:
        if seconds <= 0:
            self._put(key)
        else:
            self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._put, key)


def backoff_seconds(failures: int) -> float:
    """Return how long to wait after so many failures in a row: doubling up to a minute, spread by half."""
    longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 16))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
