"""Each request has an id, and each answer tells it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from transfermodel_predictor.observation import request_id

HEADER = request_id.HEADER.encode()


class RequestIds:
    """ASGI middleware around everything else, so that answers to errors have the id, too."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the client's id or make one, and send it with the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER), None)
        told = (HEADER, request_id.begin(sent).encode())

        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], told]
            await send(message)

        await self.app(scope, receive, identified)
