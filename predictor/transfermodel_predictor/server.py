"""kserve's ModelServer for one model: it listens at once, is ready when the model is, and every error is a sentence."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from fastapi import FastAPI
from kserve import errors
from kserve.model_server import ModelServer
from kserve.protocol.rest.server import RESTServer
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from transfermodel_predictor.artifact.download import Background
from transfermodel_predictor.body_limit import BodyLimit
from transfermodel_predictor.configuration import Configuration
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.model import TransferModel
from transfermodel_predictor.protocol.errors import RequestInvalid
from transfermodel_predictor.routes import OneModel, Routes, json_response

GRACE_SECONDS = 30
logger = logging.getLogger("kserve")


class Rest(RESTServer):  # type: ignore[misc] # kserve ships no types
    """kserve's HTTP server with our routes and our answers to errors."""

    def __init__(self, plane: OneModel, configuration: Configuration) -> None:
        """Configure it; nothing listens yet."""
        super().__init__(
            "kserve.model_server:app", plane, None, configuration.port, grace_period=GRACE_SECONDS, event_loop="auto"
        )
        self.configuration = configuration
        self.config.host = configuration.host
        self.config.lifespan = "off"
        # Knative's queue-proxy logs requests where that is wanted; uvicorn writes none where nobody listens.
        access = logging.getLogger("uvicorn.access")
        access.handlers, access.propagate = [], False

    def end(self) -> None:
        """Stop listening, and return from `start`."""
        self._server.should_exit = True

    def _add_middlewares(self, app: FastAPI) -> None:
        app.add_middleware(BodyLimit, limit=self.configuration.limits.body_bytes)

    def _register_endpoints(self, app: FastAPI) -> None:
        app.router.routes.clear()  # /openapi.json: there are no schemas to show
        app.router.redirect_slashes = False
        app.include_router(Routes(self.dataplane).router())

    def _add_exception_handlers(self, app: FastAPI) -> None:
        for kind, handler in (
            (RequestInvalid, refused),
            (errors.InvalidInput, invalid),
            (errors.ModelNotFound, not_found),
            (errors.ModelNotReady, not_ready),
            (errors.ServerNotReady, not_ready),
            (HTTPException, http_error),
            (ClientDisconnect, invalid),
            (Exception, broken),
        ):
            app.add_exception_handler(kind, handler)


class Server(ModelServer):  # type: ignore[misc] # kserve ships no types
    """kserve's server, without gRPC."""

    def __init__(self, configuration: Configuration) -> None:
        """Make the model, not yet ready, and register it."""
        super().__init__(http_port=configuration.port, workers=1, enable_grpc=False, enable_latency_logging=False)
        self.configuration = configuration
        self.model = TransferModel(configuration)
        self.register_model(self.model)
        self.dataplane = OneModel(self.registered_models, self.model)

    def run(self, load: Callable[[], Classifier]) -> None:
        """Listen, wait for the classifier meanwhile, and serve until told to end; load: blocks.

        Raises:
            Exception: What `load` raises.
        """
        asyncio.run(self._run(load))

    async def _run(self, load: Callable[[], Classifier]) -> None:
        rest = Rest(self.dataplane, self.configuration)
        loop = asyncio.get_running_loop()
        loaded = asyncio.Event()

        def load_and_tell() -> Classifier:
            try:
                return load()
            finally:
                with suppress(RuntimeError):  # the loop is closed: told to end before it was loaded
                    loop.call_soon_threadsafe(loaded.set)

        # Not the loop's own threads: they would keep the process until storage has answered.
        loading = Background(load_and_tell, "wait for the model")
        serving = asyncio.create_task(rest.start())
        waiting = asyncio.create_task(loaded.wait())
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        try:
            if loaded.is_set():
                self.model.serve(loading.result())
        except Exception:
            rest.end()
            raise
        finally:
            await serving


async def refused(_: Request, error: Exception) -> Response:
    """Answer what the request must be."""
    assert isinstance(error, RequestInvalid)  # noqa: S101 - registered for these alone
    return json_response({"error": str(error)}, error.status)


async def invalid(_: Request, error: Exception) -> Response:
    """Answer 400."""
    return json_response({"error": str(error)}, HTTPStatus.BAD_REQUEST)


async def not_found(_: Request, error: Exception) -> Response:
    """Answer 404."""
    return json_response({"error": str(error)}, HTTPStatus.NOT_FOUND)


async def not_ready(_: Request, error: Exception) -> Response:
    """Answer 503, until the model has answered once."""
    return json_response({"error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer for paths and methods that there are not."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these alone
    sentences = {
        404: f"There is nothing at {request.url.path[:200]!r}; see /v2/models.",
        405: f"{request.url.path[:200]!r} does not take {request.method}.",
    }
    response = json_response({"error": sentences.get(error.status_code, str(error.detail))}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def broken(_: Request, error: Exception) -> Response:
    """Answer 500 for what is our fault; the log says what it was."""
    logger.error("a request failed", exc_info=error)
    return json_response({"error": "The predictor failed; its log says why."}, HTTPStatus.INTERNAL_SERVER_ERROR)
