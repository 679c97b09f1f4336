"""Sees HTTP's requests: all but the probes and the scrapes, which would drown the others."""

from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from transfermodel_predictor.observation.metrics import Protocol
from transfermodel_predictor.observation.observer import Observer
from transfermodel_predictor.observation.request_record import REQUEST, note_reason

UNSEEN: Final = ("/", "/metrics", "/v2/health/live", "/v2/health/ready")
PATH_CHARACTERS: Final = 200


class SeenRequests:
    """ASGI middleware; stands inside what sets the request's id, around all that answers."""

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        """Wrap the application."""
        self.app = app
        self.observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and see what it comes to."""
        if scope["type"] != "http" or unseen(scope["path"]):
            await self.app(scope, receive, send)
            return
        # As it was sent: with what is not ASCII still encoded, so that it cannot break a line of the log.
        path = scope.get("raw_path", b"").decode("ascii", "replace")[:PATH_CHARACTERS]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with self.observer.request(
            protocol_of(scope["method"], scope["path"]), f"{scope['method']} {path}", headers
        ) as outcome:
            outcome.code = "500"

            async def received() -> Message:
                message = await receive()
                outcome.request_bytes += len(message.get("body", b""))
                return message

            async def sent(message: Message) -> None:
                if message["type"] == "http.response.start":
                    outcome.code = str(message["status"])
                outcome.response_bytes += len(message.get("body", b""))
                await send(message)

            try:
                await self.app(scope, received, sent)
            finally:
                _note_status(int(outcome.code))


def unseen(path: str) -> bool:
    """Tell whether it is a probe or a scrape."""
    return path in UNSEEN or (path.startswith("/v2/models/") and path.endswith("/ready"))


def protocol_of(method: str, path: str) -> Protocol:
    """Return the protocol in which something is asked of the model; `other` is what tells of it."""
    if method == "POST" and path.startswith("/v1/models/"):
        return "v1"
    return "v2" if method == "POST" and path.startswith("/v2/models/") else "other"


def _note_status(code: int) -> None:
    """Give a reason where the one that answered gave none."""
    request = REQUEST.get()
    if code >= HTTPStatus.BAD_REQUEST and request is not None and request.reason is None:
        note_reason("".join(part.capitalize() for part in HTTPStatus(code).name.split("_")))
