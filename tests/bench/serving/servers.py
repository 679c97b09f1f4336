"""The two sides as real processes on loopback."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.bench.serving import baseline
from tests.bench.serving.material import CLASSES, Artifact, Material
from tests.bench.serving.memory import Memory, memory
from tests.support.predictor_process import free_port, predictor

HOST: Final = "127.0.0.1"
MODEL: Final = "bench"
PREDICT: Final = f"/v1/models/{MODEL}:predict"
READY: Final = "/v2/health/ready"
DEADLINE_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.005
"""Between looks at a server that starts: asking without a pause would take the processor that it starts on."""
ENDING_SECONDS: Final = 40.0
CAREFUL: Final = "b0-careful"
COMPILED: Final = {"PYTHONDONTWRITEBYTECODE": ""}
"""Images hold bytecode: here the first, uncounted start of each side writes it, although this machine may say no."""


@dataclass(frozen=True)
class Server:
    """One process that listens, or is about to."""

    process: subprocess.Popen[bytes]
    port: int
    started: float
    """time.perf_counter() just before it was started."""
    log: Path

    def first_answer(self, body: bytes) -> float:
        """Wait until it has answered a prediction with 200; return the seconds since its start.

        It is asked as a platform would: whether it is ready, and then what it predicts.

        Raises:
            RuntimeError: it ended, or did not answer in time.
        """
        while time.perf_counter() - self.started < DEADLINE_SECONDS:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args!r} ended with {self.process.returncode}: {self._last_words()}")
            if self._status(READY) == 200 and self._status(PREDICT, body) == 200:
                return time.perf_counter() - self.started
            time.sleep(POLL_SECONDS)
        raise RuntimeError(f"{self.process.args!r} did not answer in {DEADLINE_SECONDS:.0f} s: {self._last_words()}")

    def answer(self, body: bytes, path: str = PREDICT) -> tuple[int, bytes]:
        """POST, and return status and body. Raises OSError where nobody listens."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=DEADLINE_SECONDS)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def memory(self) -> Memory:
        """Return what it holds now."""
        return memory(self.process.pid)

    def _status(self, path: str, body: bytes | None = None) -> int | None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=DEADLINE_SECONDS)
        try:
            connection.request("GET" if body is None else "POST", path, body)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


@dataclass(frozen=True)
class Side:
    """One of those that are compared."""

    name: str
    title: str
    start: Callable[[Path], AbstractContextManager[Server]]
    """With a folder for its log; the server is ended with the block."""


def ours(
    artifact: Artifact,
    name: str = "ours",
    title: str = "TransferModel",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Side:
    """Return the predictor itself; environment: what differs from its defaults."""

    @contextmanager
    def start(folder: Path) -> Iterator[Server]:
        chosen = {"TRANSFERMODEL_MODEL_NAME": MODEL, **COMPILED, **environment}
        with predictor(artifact.uri, artifact.digest, folder, chosen) as process:
            yield Server(process.process, process.client.base_url.port or 0, process.started, process.log)

    return Side(name, title, start)


def ours_in_int8(material: Material) -> Side:
    """Return the predictor with the graph in 8-bit integers."""
    return ours(material.artifact, "ours-int8", "TransferModel, Int8", {"TRANSFERMODEL_PRECISION": "Int8"})


def of_kserve(material: Material, *, careful: bool = False) -> Side:
    """Return the baseline; careful: what a careful reader of KServe's page would write."""

    @contextmanager
    def start(folder: Path) -> Iterator[Server]:
        port = free_port()
        command = [sys.executable, baseline.__file__, "--http_port", str(port), "--model_name", MODEL, "--host", HOST]
        command += ["--architecture", material.architecture, "--weights", str(material.weights)]
        command += ["--classes", str(CLASSES), *(["--careful"] if careful else [])]
        with started(command, port, folder / "baseline.log") as server:
            yield server

    if careful:
        return Side(CAREFUL, "B0 without gradients, transforms made once", start)
    return Side("b0", "B0: KServe's documented custom predictor", start)


@contextmanager
def started(command: Sequence[str], port: int, log: Path) -> Iterator[Server]:
    """Start a program that will listen on a port, and end it."""
    environment: dict[str, Any] = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= COMPILED
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(list(command), env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Server(process, port, began, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
