"""Nothing is computed for a client that is gone."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from transfermodel_predictor.application.responses import gone


class WhileConnected:
    """ASGI middleware: once the body is here, it listens whether the client goes away, and then cancels its handler."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; a handler that is cancelled is answered for, so that its request is seen to end."""
        handler = asyncio.current_task()
        if scope["type"] != "http" or handler is None:
            await self.app(scope, receive, send)
            return
        listener: asyncio.Task[None] | None = None
        answered = left = False

        async def listen() -> None:
            nonlocal left
            await receive()  # the body is over: it can only be a disconnect, or the answer's end
            if not answered:
                left = True
                handler.cancel()

        async def received() -> Message:
            nonlocal listener
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False) and listener is None:
                listener = asyncio.create_task(listen())
            return message

        async def sent(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, received, sent)
        except asyncio.CancelledError:
            if not left:
                raise
            handler.uncancel()
            answer = await gone(Request(scope), ClientDisconnect())
            await answer(scope, receive, send)
        finally:
            if listener is not None:
                listener.cancel()
