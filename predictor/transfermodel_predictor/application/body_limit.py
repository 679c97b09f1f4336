"""A limit on the size of request bodies, whether their length is told or not."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from transfermodel_predictor.application.responses import failure
from transfermodel_predictor.protocol.errors import RequestTooLarge


class BodyLimit:
    """ASGI middleware; refuses a body before it is in memory."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        """Wrap the application; limit in bytes."""
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 where the length is told; otherwise count, and raise RequestTooLarge in the handler that reads."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sentence = f"The body is above {self.limit} bytes; send fewer at once, or smaller ones."
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if told.isdigit() and int(told) > self.limit:
            await failure(sentence, RequestTooLarge.status)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message: dict[str, Any] = dict(await receive())
            received += len(message.get("body", b""))
            if received > self.limit:
                raise RequestTooLarge(sentence)
            return message

        await self.app(scope, counted, send)
