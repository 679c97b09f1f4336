"""The operator as a process of its own, started again as a kubelet would."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.kubectl import plain_kubeconfig

SETTINGS = {
    "trainerImage": "trainer:test",
    "predictorImage": "predictor:test",
    "output": {"uri": "s3://models", "credentialsSecretName": "s3"},
}


@dataclass
class OperatorProcess:
    """`python -m transfermodel_operator` against one server."""

    folder: Path
    server: str
    namespace: str
    pod: str = "operator-0"
    settings: dict[str, Any] = field(default_factory=dict)
    lease_namespace: str = ""
    """Where its pod would be; default: the watched namespace."""
    restarts: int = 0
    exits: list[int] = field(default_factory=list)
    port: int = 0
    _process: asyncio.subprocess.Process | None = None
    _kubelet: asyncio.Task[None] | None = None

    @property
    def log(self) -> Path:
        """What all its lives printed."""
        return self.folder / f"{self.pod}.log"

    async def start(self) -> None:
        """Start it."""
        kubeconfig = plain_kubeconfig(self.server, self.folder / "proxied.kubeconfig")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        settings = SETTINGS | {"watchNamespaces": [self.namespace], "livenessPort": self.port} | self.settings
        environment = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "POD_NAME": self.pod,
            "POD_NAMESPACE": self.lease_namespace or self.namespace,
            "TRANSFERMODEL_OPERATOR_SETTINGS": json.dumps(settings),
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "transfermodel_operator", env=environment, stdout=log, stderr=log
            )

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The present life."""
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        """Whether it is alive."""
        return self._process is not None and self._process.returncode is None

    def kill(self) -> None:
        """Send SIGKILL."""
        os.kill(self.process.pid, signal.SIGKILL)

    async def stop(self, timeout_seconds: float = 15) -> int:
        """Send SIGTERM and wait; return the exit status."""
        if self._kubelet is not None:
            self._kubelet.cancel()
        if self.running:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), timeout_seconds)

    def supervise(self) -> None:
        """Start it again whenever it ends, in the same pod, as a kubelet does."""

        async def kubelet() -> None:
            while True:
                self.exits.append(await self.process.wait())
                self.restarts += 1
                await self.start()

        self._kubelet = asyncio.create_task(kubelet())

    async def __aenter__(self) -> "OperatorProcess":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._kubelet is not None:
            self._kubelet.cancel()
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.kill()
            await self.process.wait()
