"""uvicorn for one model: it listens at once, is ready when the model is, and ends when all requests are answered."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import uvicorn

from transfermodel_predictor.application.app import application
from transfermodel_predictor.application.connections import Connection
from transfermodel_predictor.artifact.download import Background
from transfermodel_predictor.configuration import Configuration
from transfermodel_predictor.grpc.server import start as start_grpc
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.observation.tracing import start_tracing
from transfermodel_predictor.service import Service

GRACE_SECONDS: Final = 30


class HttpServer(uvicorn.Server):
    """uvicorn, and what must end before it does: it then raises the signal that ended it once more."""

    beside: Callable[[], Awaitable[None]] | None = None
    """Ends another server; it has answered all its requests when it returns."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End both at once, gracefully."""
        beside = None if self.beside is None else asyncio.ensure_future(self.beside())
        await super().shutdown(sockets)
        if beside is not None:
            await beside


class Server:
    """The HTTP server of one service."""

    def __init__(self, configuration: Configuration) -> None:
        """Configure it; nothing listens yet."""
        self.service = Service(configuration)
        self._configuration = configuration
        self._server = HttpServer(
            uvicorn.Config(
                application(self.service),
                configuration.host,
                configuration.port,
                http=Connection,
                lifespan="off",
                log_config=None,
                # Knative's queue-proxy logs requests where that is wanted.
                access_log=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    def run(self, load: Callable[[], Classifier]) -> None:
        """Listen, wait for the classifier meanwhile, and serve until told to end; load: blocks.

        Raises:
            Exception: What `load` raises.
        """
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(self._run(load))

    async def _run(self, load: Callable[[], Classifier]) -> None:
        configuration, loop = self._configuration, asyncio.get_running_loop()
        loaded = asyncio.Event()

        def load_and_tell() -> Classifier:
            try:
                return load()
            finally:
                with suppress(RuntimeError):  # the loop is closed: told to end before it was loaded
                    loop.call_soon_threadsafe(loaded.set)

        # Not the loop's own threads: they would keep the process until storage has answered.
        loading = Background(load_and_tell, "wait for the model")
        serving = asyncio.create_task(self._server.serve())
        waiting = asyncio.create_task(loaded.wait())
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        try:
            if loaded.is_set():
                self.service.serve(loading.result())
                self.service.observer.tracer = await start_tracing(
                    configuration.environment, configuration.model_name, configuration.version
                )
                if configuration.grpc_port is not None:
                    grpc_server = await start_grpc(self.service, configuration.host, configuration.grpc_port)
                    self._server.beside = lambda: grpc_server.stop(GRACE_SECONDS)
        except Exception:
            self._server.should_exit = True
            raise
        finally:
            await serving
            await self.service.close()
