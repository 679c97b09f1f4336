"""The ASGI application: Starlette with our paths and our answers to errors."""

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from transfermodel_predictor.application import responses
from transfermodel_predictor.application.body_limit import BodyLimit
from transfermodel_predictor.application.disconnect import WhileConnected
from transfermodel_predictor.application.request_ids import RequestIds
from transfermodel_predictor.observation.http_requests import SeenRequests
from transfermodel_predictor.protocol.errors import RequestRefused
from transfermodel_predictor.routes import documentation, explain, health, metrics, v1, v2
from transfermodel_predictor.service import Service

ROUTES = (health, v1, explain, v2, metrics, documentation)


class Application(Starlette):
    """Starlette whose answers to failures are seen and have an id, too: those come from outside of all middleware."""

    def __init__(self, service: Service, **settings: Any) -> None:
        """Take whose requests these are, and what Starlette takes."""
        super().__init__(**settings)
        self._observer = service.observer

    def build_middleware_stack(self) -> ASGIApp:
        """Put the ids around everything, and what sees the requests right within."""
        return RequestIds(SeenRequests(super().build_middleware_stack(), self._observer))


def application(service: Service) -> Starlette:
    """Return the application that serves one model."""
    app = Application(
        service,
        routes=[route for module in ROUTES for route in module.routes(service)],
        middleware=[Middleware(WhileConnected), Middleware(BodyLimit, limit=service.limits.body_bytes)],
        exception_handlers={
            RequestRefused: responses.refused,
            HTTPException: responses.http_error,
            ClientDisconnect: responses.gone,
            Exception: responses.broken,
        },
    )
    # A path with a slash too many is another path.
    app.router.redirect_slashes = False
    return app
