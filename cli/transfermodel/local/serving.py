"""The predictor as a child process on loopback."""

import errno
import http.client
import json
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from transfermodel_operator.api.int8 import Precision, refusal

from transfermodel.errors import RunFailed, TransferModelError, UsageError
from transfermodel.local import process
from transfermodel.local.request import check_present
from transfermodel.predictions.types import Endpoint
from transfermodel.workspace import LocalModel, LocalVersion, files
from transfermodel.workspace.models import HOST
from transfermodel.workspace.records import ServerRecord

DEFAULT_PORT: Final = 8080
PORTS_TRIED: Final = 100
PORTS_LOST: Final = 5
"""Starts whose port another program may take meanwhile."""
READY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 5.0


class LocalServer:
    """One predictor that serves; ends with `stop`, with the `with` block, and at the latest with this process."""

    def __init__(
        self,
        child: "subprocess.Popen[str]",
        model: LocalModel,
        version: LocalVersion,
        port: int,
        grpc_port: int | None = None,
    ) -> None:
        """Take a process that was just started."""
        self._child, self._model = child, model
        self.version = version
        self.port = port
        self.grpc_port = grpc_port

    @property
    def url(self) -> str:
        """http://127.0.0.1:<port>."""
        return f"http://{HOST}:{self.port}"

    @property
    def grpc_address(self) -> str | None:
        """127.0.0.1:<port>; None: gRPC is not spoken."""
        return None if self.grpc_port is None else f"{HOST}:{self.grpc_port}"

    @property
    def pid(self) -> int:
        """Of the predictor."""
        return self._child.pid

    def endpoint(self) -> Endpoint:
        """Return where to ask."""
        return Endpoint(url=self.url, host=None, model=self._model.name, modality=self.version.modality)

    def wait(self) -> None:
        """Wait until the predictor ends.

        Raises:
            RunFailed: it ended by itself.
            KeyboardInterrupt: Ctrl-C; it still serves, until `stop`.
        """
        code = self._child.wait()
        if code != 0:
            raise RunFailed(
                f"The predictor of {self._model.name} ended with status {code}.",
                f"The log shows more: {self._model.server_log_file}.",
            )

    def stop(self) -> None:
        """End the predictor; what it is answering, it answers."""
        process.stop(self._child)

    def __enter__(self) -> Self:
        """Return itself: it serves already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def __repr__(self) -> str:
        """Say what serves where."""
        return f"<LocalServer {self._model.name} {self.version.name} at {self.url}>"


def serve(
    version: LocalVersion,
    model: LocalModel,
    *,
    port: int | None = None,
    grpc_port: int | None = None,
    precision: Precision = "Float32",
) -> LocalServer:
    """Serve a version; it is ready when this returns.

    Args:
        version: what to serve.
        model: whose version it is.
        port: of 127.0.0.1; default: 8080, or the next that is free.
        grpc_port: of 127.0.0.1, for the Open Inference Protocol over gRPC; default: it is not spoken.
        precision: Int8 where the version is as good in 8-bit integers.

    Raises:
        UsageError: a port is in use, the model is being served already, or not to be served in this precision.
        TransferModelError: the predictor did not start.
    """
    process.check_installed("transfermodel_predictor", "uvicorn")
    check_present(model.name, version)
    if why := refusal(precision, version.result.int8):
        raise UsageError(f"{model.name} {version.name} is not served in Int8. {why}", "Serve it in Float32.")
    lock = files.try_lock(model.server_lock)
    if lock is None:
        raise already_served(model, version)
    with lock:
        model.forget_server()
        for _ in range(PORTS_LOST):
            chosen = free_port() if port is None else checked_port(port)
            check_grpc_port(grpc_port, chosen)
            server = start(version, model, chosen, lock, grpc_port, precision)
            if server is not None:
                return server
    raise UsageError(f"Port {chosen} of {HOST} is taken again and again by other programs.", "Name one with --port.")


def start(
    version: LocalVersion,
    model: LocalModel,
    port: int,
    lock: IO[bytes],
    grpc_port: int | None = None,
    precision: Precision = "Float32",
) -> LocalServer | None:
    """Start a predictor; None: while it was starting another program took the port.

    Raises:
        TransferModelError: the predictor did not start.
    """
    model.server_log_file.unlink(missing_ok=True)
    # The predictor inherits the lock and holds it as long as it lives.
    told = environment(version, model, port, grpc_port) | {"TRANSFERMODEL_PRECISION": precision}
    child = process.start("transfermodel_predictor", told, model.server_log_file, keep=[lock])
    server = LocalServer(child, model, version, port, grpc_port)
    try:
        wait_ready(server, child, model)
        model.write_server(ServerRecord(pid=child.pid, port=port, version=version.name, started_at=datetime.now(UTC)))
    except BaseException as error:
        server.stop()
        if isinstance(error, TransferModelError) and why_not(port) is not None:
            return None
        raise
    return server


def environment(version: LocalVersion, model: LocalModel, port: int, grpc_port: int | None = None) -> dict[str, str]:
    """Return the predictor's environment: that of the cluster's InferenceService, on loopback."""
    return process.inherited_environment() | {
        "TRANSFERMODEL_HOST": HOST,
        "PORT": str(port),
        "TRANSFERMODEL_MODEL_NAME": model.name,
        "TRANSFERMODEL_ARTIFACT_URI": version.uri,
        "TRANSFERMODEL_ARTIFACT_DIGEST": version.digest,
        "TRANSFERMODEL_VERSION": version.name,
        "TRANSFERMODEL_TERMINATION_LOG": str(failure_file(model)),
        **({} if grpc_port is None else {"TRANSFERMODEL_GRPC_PORT": str(grpc_port)}),
    }


def failure_file(model: LocalModel) -> Path:
    """Return where the predictor leaves its last words."""
    return model.folder / "server-failure"


def wait_ready(server: LocalServer, child: "subprocess.Popen[str]", model: LocalModel) -> None:
    """Wait until it is this version that answers on the port. Raises TransferModelError when it does not come to it."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise not_started(model, f"ended with status {child.returncode}")
        if served_digest(server.port, model.name) == server.version.digest and (
            server.grpc_port is None or listens(server.grpc_port)
        ):
            return
        time.sleep(POLL_SECONDS)
    raise not_started(model, f"was not ready after {READY_SECONDS:.0f} s")


def served_digest(port: int, name: str) -> str | None:
    """Return the digest of the artifact that answers for a model; None: nothing does, or not yet."""
    # Not urllib: it would go through the proxy of the environment.
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", f"/v2/models/{name}")
        response = connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            return None
        return str(json.loads(body)["parameters"]["digest"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def listens(port: int) -> bool:
    """Tell whether something on loopback takes connections on a port."""
    try:
        socket.create_connection((HOST, port), ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def check_grpc_port(grpc_port: int | None, port: int) -> None:
    """Raise a UsageError unless gRPC can have this port, beside that of HTTP."""
    if grpc_port == port:
        raise UsageError(f"HTTP and gRPC cannot both have port {port}.", "Name another with --port or --grpc-port.")
    if grpc_port is not None:
        checked_port(grpc_port, "--grpc-port")


def free_port() -> int:
    """Return 8080, or the next port that is free."""
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if why_not(port) is None:
            return port
    raise UsageError(f"No port from {DEFAULT_PORT} to {port} is free.", "Name one with --port.")


def checked_port(port: int, option: str = "--port") -> int:
    """Return a port that a server can listen on; option: that named it. Raises UsageError."""
    if not 1 <= port <= 65535:
        raise UsageError(f"{port} is no port.", "Ports go from 1 to 65535; those above 1023 need no root.")
    error = why_not(port)
    if error is not None:
        problem = "is in use by another program" if error.errno == errno.EADDRINUSE else f"is refused: {error.strerror}"
        otherwise = " to have a free one chosen" if option == "--port" else ""
        raise UsageError(
            f"Port {port} of {HOST} {problem}.",
            f"Choose another with {option}, or leave it out{otherwise}.",
        )
    return port


def why_not(port: int) -> OSError | None:
    """Return why no server can listen on a port of loopback; None: one can."""
    with socket.socket() as listener:
        # As the predictor binds: what a former server left in TIME_WAIT does not matter.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            return error
    return None


def already_served(model: LocalModel, version: LocalVersion) -> UsageError:
    """Return what to say when the model has a server."""
    running = model.server()
    if running is None:
        return UsageError(f"Another process is starting a server of {model.name}.", "Try again in a moment.")
    return UsageError(
        f"{model.name} {running.version} is served already: {running.url}, process {running.pid}.",
        "Ask it there." if running.version == version.name else f"End it there (Ctrl-C) to serve {version.name}.",
    )


def not_started(model: LocalModel, how: str) -> TransferModelError:
    """Return what to say of a predictor that does not serve."""
    try:
        said = failure_file(model).read_text(errors="replace")
    except OSError:
        said = ""
    return TransferModelError(
        f"The predictor of {model.name} {how}. {said}".strip(), f"The log shows more: {model.server_log_file}."
    )
