"""uvicorn, ended so that no request is lost: whoever still finds the process is answered by it.

In a Knative pod the proxy beside it has sent everybody elsewhere before the process is told to end. Elsewhere (a plain
Deployment) routes change only after that, and for a moment requests still come.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

from transfermodel_predictor.configuration import Configuration
from transfermodel_predictor.service import Service

KEEP_ALIVE_SECONDS: Final = 120
"""Longer than proxies keep an idle connection (Go: 90 s): whoever closes it must be the one who sends."""
QUIET_SECONDS: Final = 0.5
"""Without a request: then routes have changed."""
MOST_SECONDS: Final = 10.0
"""That it goes on listening, where requests do not stop to come."""
GRACE_SECONDS: Final = 15
"""For the requests that are in work then; together less than the 30 s after which Kubernetes ends a pod by force."""


class HttpServer(uvicorn.Server):
    """The HTTP server of one service."""

    beside: Callable[[], Awaitable[None]] | None = None
    """Ends another server; it has answered all its requests when it returns."""

    def __init__(self, service: Service, configuration: Configuration, app: Any, protocol: Any) -> None:
        """Configure it; nothing listens yet."""
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                # Knative's queue-proxy logs requests where that is wanted.
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._service = service
        self._at_least = configuration.drain_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End gracefully when told to; unlike uvicorn's, it does not raise the signal again, but returns."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer those who still come, each for the last time on its connection; then end, and what is beside, too."""
        ready = self._service.ready
        self._service.end()
        if ready:
            self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
            await self._quiet()
        beside = None if self.beside is None else asyncio.ensure_future(self.beside())
        await super().shutdown(sockets)
        if beside is not None:
            await beside

    async def _quiet(self) -> None:
        """Wait until nobody asks any more, and at least as long as the configuration says."""
        clock = asyncio.get_running_loop().time
        state, begun = self.server_state, clock()
        answered, last = state.total_requests, begun
        while clock() - begun < max(MOST_SECONDS, self._at_least) and not self.force_exit:
            await asyncio.sleep(0.05)
            if state.tasks or state.total_requests != answered:
                answered, last = state.total_requests, clock()
            if clock() - last >= QUIET_SECONDS and clock() - begun >= self._at_least:
                return
