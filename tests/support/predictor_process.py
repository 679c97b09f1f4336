"""The predictor as a real process on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

MODEL = "colours"
VERSION = "v2"
DEADLINE_SECONDS = 60.0


@dataclass
class PredictorProcess:
    """One process; `log` is its stdout and stderr, `termination` the container's termination message."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path
    termination: Path
    started: float
    """time.perf_counter() just before it was started."""

    def wait_ready(self) -> float:
        """Wait until it is ready, and return the seconds since its start."""
        while time.perf_counter() - self.started < DEADLINE_SECONDS:
            if self.process.poll() is not None:
                raise AssertionError(f"the predictor ended with {self.process.returncode}:\n{self.log.read_text()}")
            if self.status_of_ready() == 200:
                return time.perf_counter() - self.started
        raise AssertionError(f"the predictor is not ready:\n{self.log.read_text()}")

    def status_of_ready(self) -> int | None:
        """Return the HTTP status of its readiness, or None where nothing listens yet."""
        try:
            return self.client.get("/v2/health/ready").status_code
        except httpx.TransportError:
            return None

    def wait_end(self) -> int:
        """Wait until it ends, and return its exit status."""
        return self.process.wait(DEADLINE_SECONDS)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def predictor(
    uri: str,
    digest: str,
    folder: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    program: Sequence[str] = ("-m", "transfermodel_predictor"),
) -> Iterator[PredictorProcess]:
    """Start a predictor, and end it; logs go to the folder. program: what Python runs."""
    port = free_port()
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TRANSFERMODEL_", "PYTEST"))
    }
    log, termination = folder / "predictor.log", folder / "termination-log"
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *program],
            env=inherited
            | {
                "TRANSFERMODEL_HOST": "127.0.0.1",
                "PORT": str(port),
                "TRANSFERMODEL_MODEL_NAME": MODEL,
                "TRANSFERMODEL_VERSION": VERSION,
                "TRANSFERMODEL_ARTIFACT_URI": uri,
                "TRANSFERMODEL_ARTIFACT_DIGEST": digest,
                "TRANSFERMODEL_TERMINATION_LOG": str(termination),
            }
            | dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_SECONDS, trust_env=False) as client:
        try:
            yield PredictorProcess(process, client, log, termination, started)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
