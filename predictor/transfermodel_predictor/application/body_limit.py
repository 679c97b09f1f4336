"""Limits on the bodies of requests: on each, whether its length is told or not, and on all that are in memory."""

from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from transfermodel_predictor.application.responses import failure
from transfermodel_predictor.protocol.errors import Overloaded, RequestTooLarge

SMALL: Final = 1 << 18
"""Bytes of each body that do not count towards the limit on all: small requests are answered beside large ones."""
LARGE_BODIES: Final = 2
"""So many of the largest may be in memory at once."""


class BodyLimit:
    """ASGI middleware; refuses a body before it is in memory."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        """Wrap the application; limit in bytes, of one body."""
        self.app = app
        self.limit = limit
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 where the length is told; otherwise count, and raise in the handler that reads.

        Raises:
            RequestTooLarge: It has become larger than the limit.
            Overloaded: All that are in memory together have.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sentence = f"The body is above {self.limit} bytes; send fewer at once, or smaller ones."
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if told.isdigit() and int(told) > self.limit:
            await failure(sentence, RequestTooLarge.status)(scope, receive, send)
            return
        received = held = 0

        async def counted() -> Message:
            nonlocal received, held
            message: dict[str, Any] = dict(await receive())
            received += len(message.get("body", b""))
            if received > self.limit:
                raise RequestTooLarge(sentence)
            if received - SMALL > held:
                self._held += received - SMALL - held
                held = received - SMALL
                if self._held > LARGE_BODIES * self.limit:
                    raise Overloaded("Other large requests fill the memory that there is for them; try again later.")
            return message

        try:
            await self.app(scope, counted, send)
        finally:
            self._held -= held
