"""Connections of strangers: what uvicorn leaves without a limit has one here, so that nobody keeps others waiting.

A head has a size and a time, an answer that nobody reads has a time, and where there are too many connections, the one
that has been idle for longest makes room. Bodies have their limits in `body_limit` and `requests`.
"""

import asyncio
import itertools
import uuid
from http import HTTPStatus
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_BYTES: Final = 64 * 1024
"""Of a request's line and headers together; also of what follows a body, and of what frames its chunks."""
HEAD_SECONDS: Final = 10.0
"""From a request's first byte, or the connection's begin, to the end of its headers."""
WRITE_SECONDS: Final = 30.0
"""For a client to take some of an answer that is too large for the buffers between."""
CONNECTIONS: Final = 512
LEFTOVER_BYTES: Final = 16_000_000
"""Of a body that are thrown away after the answer, so that a client that sends first and then reads gets to read it."""
TURNS: Final = itertools.count()
"""Orders idle connections; the loop's clock stands still while it accepts several."""


class Connection(HttpToolsProtocol):
    """uvicorn's, with limits."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*arguments, **named)
        self._unframed = 0
        self._headed = 0
        self._leftover = 0
        self._refusal = (HTTPStatus.BAD_REQUEST, "The request is not valid HTTP/1.1; this port speaks nothing else.")
        self._in_head = False
        self._idle_since = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Tell whether no request of it is in work."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, and make room where there are too many."""
        super().connection_made(transport)
        self._idle_since = next(TURNS)
        self._await_head()
        if len(self.connections) > CONNECTIONS:
            others = [one for one in self.connections if isinstance(one, Connection) and one.idle and one is not self]
            longest = min(others, key=lambda one: one._idle_since, default=self)
            self.connections.discard(longest)
            longest.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Stop all clocks."""
        for timer in (self._head_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Parse, unless it is more than a head may have."""
        self._unframed += len(data)
        if self.idle and self._head_timer is None:
            self._await_head()
        super().data_received(data)
        if self._unframed > HEAD_BYTES and not self.transport.is_closing():
            self._head_too_large()
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        self._in_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count it."""
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count it; those that follow a body come here, too."""
        super().on_header(name, value)
        self._count_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Start the request."""
        self._in_head = False
        self._unframed = self._headed = self._leftover = 0
        self._stop_head_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand it on, or throw it away where the answer was given without it."""
        self._unframed = 0
        if self.cycle.response_complete:
            self._leftover += len(body)
            if self._leftover > LEFTOVER_BYTES:
                self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to count the next head."""
        self._unframed = self._headed = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Be idle from now on, unless the next head has begun already."""
        self._idle_since = next(TURNS)
        super().on_response_complete()
        if self._in_head and self.idle and self._head_timer is None:
            self._await_head()

    def pause_writing(self) -> None:
        """Give the client time to read."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it does read."""
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong as all other answers do, and close."""
        status, sentence = self._refusal
        content = orjson.dumps({"error": sentence})
        headers = (
            b"content-type: application/json\r\nconnection: close\r\nx-request-id: %s\r\ncontent-length: %d\r\n\r\n"
            % (uuid.uuid4().hex.encode(), len(content))
        )
        self.transport.write(STATUS_LINE[status] + headers + content)
        self.transport.close()

    def _count_head(self, size: int) -> None:
        self._headed += size
        if self._headed > HEAD_BYTES:
            self._head_too_large()
            raise ValueError  # httptools makes its own error of it, and uvicorn an answer

    def _head_too_large(self) -> None:
        self._refusal = (
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"The address and headers of the request are above {HEAD_BYTES} bytes; send fewer or shorter ones.",
        )

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if not self._in_head:
            self.transport.close()  # nothing was asked, so nothing is answered
            return
        self._refusal = (
            HTTPStatus.REQUEST_TIMEOUT,
            f"The head of the request took longer than {HEAD_SECONDS:g} seconds; send it at once.",
        )
        self.send_400_response("")
