"""One model being served: it listens at once, is ready when the model is, and ends when all requests are answered."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from transfermodel_predictor.application.app import application
from transfermodel_predictor.application.connections import Connection
from transfermodel_predictor.artifact.background import Background
from transfermodel_predictor.artifact.errors import LoadingHangs
from transfermodel_predictor.configuration import Configuration
from transfermodel_predictor.grpc.server import start as start_grpc
from transfermodel_predictor.http_server import GRACE_SECONDS, HttpServer
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.observation.tracing import start_tracing
from transfermodel_predictor.service import Service


class Server:
    """All servers of one service, and how they begin and end."""

    def __init__(self, configuration: Configuration, listener: socket.socket) -> None:
        """Take what to serve, and where; nobody is answered yet."""
        self.service = Service(configuration)
        self._configuration = configuration
        self._server = HttpServer(self.service, configuration, application(self.service), Connection)
        self._listener = listener

    def run(self, load: Callable[[], Classifier]) -> None:
        """Listen, wait for the classifier meanwhile, and serve until told to end; load: blocks.

        Raises:
            LoadingHangs: It takes longer than the configuration allows.
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
        serving = asyncio.create_task(self._server.serve([self._listener]))
        waiting = asyncio.create_task(loaded.wait())
        try:
            done, _ = await asyncio.wait(
                (serving, waiting), timeout=configuration.load_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                raise LoadingHangs(
                    f"The model was not loaded within {configuration.load_seconds} seconds: storage hangs, or the "
                    "graph is too large for this machine. See what storage does, or allow more time with the "
                    "environment variable TRANSFERMODEL_LOAD_SECONDS."
                )
            if waiting in done:
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
