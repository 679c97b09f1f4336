"""Prepared requests over kept connections.

httptools and uvloop: httpx takes about a millisecond of a processor for each request, which the server lacks then.
"""

import asyncio
import resource
import time
from collections import Counter
from itertools import count
from typing import cast

import httptools
import uvloop

from tests.bench.serving.load.plan import ANSWERED, Plan, Seen

SAID_BYTES = 300
PAUSE_SECONDS = 0.01
"""After a failure: what refuses at once is not asked in a frenzy."""


def run(plan: Plan) -> Seen:
    """Do what the plan says."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Load(plan).run())


class Connection(asyncio.Protocol):
    """One connection: a request, its answer, and so on."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        self.usable = False
        self.body = b""
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request; return the status of its answer, whose first bytes are in `body`.

        Raises:
            ConnectionError: the server ended the connection instead of answering, or spoke no HTTP.
        """
        self.body = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close it at once."""
        self.usable = False
        self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it into use."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own has no common ancestor
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Read a part of an answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"that is no HTTP: {error}"))
            self.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell whoever waits."""
        self.usable = False
        self._fail(ConnectionResetError("the server ended the connection"))

    def _fail(self, error: ConnectionError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    # What httptools calls.

    def on_body(self, data: bytes) -> None:
        """Keep the beginning."""
        if len(self.body) < SAID_BYTES:
            self.body += data[:SAID_BYTES]

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        status = self._parser.get_status_code()
        if status < ANSWERED:  # 100 Continue: the answer is yet to come
            return
        if not self._parser.should_keep_alive():
            self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)


class _Load:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.requests = plan.requests()
        self.sent = self.answered = 0
        self.latencies: list[float] = []
        self.failures: Counter[str] = Counter()
        self.said = ""

    async def run(self) -> Seen:
        self.begin = time.perf_counter() + self.plan.warm_up_seconds
        self.end = self.begin + self.plan.seconds
        before = _processor_seconds()
        begun = time.perf_counter()
        await asyncio.gather(*(self._ask_again_and_again(number) for number in range(self.plan.connections)))
        share = (_processor_seconds() - before) / (time.perf_counter() - begun)
        return Seen(
            sent=self.sent,
            answered=self.answered,
            seconds=self.plan.seconds,
            latencies=self.latencies,
            failures=dict(self.failures),
            said=self.said,
            processor_share=share,
        )

    async def _ask_again_and_again(self, first: int) -> None:
        connection: Connection | None = None
        interval = self.plan.interval_seconds
        start = time.perf_counter()
        for number in count():
            due = time.perf_counter()
            if interval is not None:
                due = start + number * interval
                await asyncio.sleep(due - time.perf_counter())
            # By the clock, what was due is asked even when it is late: a server that stands still must not hide it.
            if due >= self.end or time.perf_counter() > self.end + self.plan.timeout_seconds:
                break
            if self.sent >= self.plan.most:
                break
            self.sent += 1
            connection = await self._ask_once(connection, self.requests[(first + number) % len(self.requests)], due)
        if connection is not None:
            connection.close()

    async def _ask_once(self, connection: Connection | None, request: bytes, due: float) -> Connection | None:
        """Ask and note what came of it; return the connection where it can be used again."""
        try:
            async with asyncio.timeout(self.plan.timeout_seconds):
                if connection is None or not connection.usable:
                    connection = await self._connect()
                status = await connection.ask(request)
        except TimeoutError:
            failure = "timed out"
        except ConnectionRefusedError:
            failure = "refused"
        except OSError:
            failure = "disconnected"
        else:
            if status == ANSWERED:
                self._note(due)
                return connection
            failure = f"status {status}"
            self.said = self.said or connection.body[:SAID_BYTES].decode(errors="replace")
        self.failures[failure] += 1
        if connection is not None and (not failure.startswith("status") or not connection.usable):
            connection.close()
            connection = None
        await asyncio.sleep(PAUSE_SECONDS)
        return connection

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self.plan.host, self.plan.port)
        return connection

    def _note(self, due: float) -> None:
        now = time.perf_counter()
        if self.begin <= now <= self.end:
            self.answered += 1
        if due >= self.begin:
            self.latencies.append(now - due)


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
