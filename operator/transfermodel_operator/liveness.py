"""/healthz: fails when the operator has stopped seeing the cluster, so that the kubelet starts it again."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

STALE_SECONDS: Final = 60.0
"""How long something may be wrong, while the operator itself ends or mends it, before /healthz says so."""


class Liveness:
    """Asked by the kubelet; a hung event loop answers nothing at all, which fails the probe too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None
        self._why = ""
        self._ready = False

    def ready(self) -> None:
        """Say that the operator holds the Lease and works."""
        self._ready = True

    def wrong(self, why: str) -> None:
        """Say that the operator does not see the cluster; the first such moment counts."""
        if self._since is None:
            self._since = self._clock()
        self._why = why

    def well(self) -> None:
        """Say that it does."""
        self._since = None

    def failure(self) -> str | None:
        """Return why the operator counts as dead, or None."""
        if self._since is None or self._clock() - self._since < STALE_SECONDS:
            return None
        return f"for {self._clock() - self._since:.0f} s: {self._why}"

    async def serve(self, port: int, host: str | None = None) -> web.AppRunner:
        """Answer GET /healthz and /readyz on the port until the runner is cleaned up."""
        application = web.Application()
        application.add_routes([web.get("/healthz", self._healthz), web.get("/readyz", self._readyz)])
        runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        return runner

    async def _healthz(self, _: web.Request) -> web.Response:
        failure = self.failure()
        return web.Response(status=503 if failure else 200, text=failure or "ok")

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self._ready else 503, text="ok" if self._ready else "waiting for the Lease")


def watching(kind: str) -> bool:
    """Tell whether Kopf's task that watches a kind (such as jobs.v1) is running.

    Kopf has no public way to ask; its tasks carry names (held by a test).
    """
    prefix = f"watcher for {kind}"
    return any(task.get_name().startswith(prefix) and not task.done() for task in asyncio.all_tasks())
