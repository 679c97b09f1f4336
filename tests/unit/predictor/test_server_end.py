"""The real process is told to end: nobody who found it goes without an answer, and it ends whatever it is doing."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import MODEL, PredictorProcess, predictor
from tests.support.slow_bucket import bucket
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit
Artifact = tuple[Path, str]
BODY = json.dumps({"instances": [{"image": {"b64": base64.b64encode(picture()).decode()}}]}).encode()
PATH = f"/v1/models/{MODEL}:predict"
CLIENTS = 6


def connected(process: PredictorProcess) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", process.client.base_url.port, timeout=30)


def predict(connection: http.client.HTTPConnection) -> tuple[int, str | None]:
    """Ask once; return the status and the header Connection."""
    connection.request("POST", PATH, BODY, {"Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    return response.status, response.headers["connection"]


@contextmanager
def asking(target: Callable[[], PredictorProcess], keep_alive: bool) -> Iterator[list[int | str]]:
    """Ask all the time, as the proxy of a service does: each request goes to the process that is the target then."""
    seen: list[int | str] = []
    done = threading.Event()

    def ask() -> None:
        connection, of = connected(target()), target()
        while not done.is_set():
            if of is not target() or not keep_alive:
                connection.close()
                of = target()
                connection = connected(of)
            try:
                seen.append(predict(connection)[0])
            except (OSError, http.client.HTTPException) as error:
                seen.append(repr(error))
                connection.close()

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join(60)


@pytest.mark.parametrize("keep_alive", [True, False])
def test_no_request_is_lost_when_another_takes_over(artifact: Artifact, tmp_path: Path, keep_alive: bool) -> None:
    folder, digest = artifact
    (tmp_path / "next").mkdir()
    with (
        predictor(folder.as_uri(), digest, tmp_path) as first,
        predictor(folder.as_uri(), digest, tmp_path / "next") as second,
    ):
        first.wait_ready()
        second.wait_ready()
        current = [first]
        with asking(lambda: current[0], keep_alive) as seen:
            wait_for(lambda: len(seen) > 50, timeout_seconds=30, what="there is traffic", interval_seconds=0.01)
            first.process.send_signal(signal.SIGTERM)
            wait_for(lambda: first.status_of_ready() == 503, timeout_seconds=10, what="unready", interval_seconds=0.01)
            told = len(seen)
            wait_for(lambda: len(seen) > told + 50, timeout_seconds=30, what="they still come", interval_seconds=0.01)
            assert first.process.poll() is None
            current[0] = second  # as routes change once a pod is unready
            assert first.wait_end() == 0
            ended = len(seen)
            wait_for(lambda: len(seen) > ended + 50, timeout_seconds=30, what="the next one", interval_seconds=0.01)
        assert set(seen) == {200}


def test_whoever_is_told_to_end_says_so_on_every_connection(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with predictor(folder.as_uri(), digest, tmp_path, {"TRANSFERMODEL_DRAIN_SECONDS": "3"}) as process:
        process.wait_ready()
        idle = connected(process)
        assert predict(idle) == (200, None)
        told = time.monotonic()
        process.process.send_signal(signal.SIGTERM)
        wait_for(lambda: process.status_of_ready() == 503, timeout_seconds=10, what="unready", interval_seconds=0.01)
        assert "is ending" in process.client.get("/v2/health/ready").json()["error"]
        assert process.client.get("/v2/health/live").status_code == 200
        assert predict(idle) == (200, "close")
        assert predict(connected(process)) == (200, "close")
        assert process.wait_end() == 0
        assert time.monotonic() - told > 3, "it was to take requests for three seconds at least"


def test_it_ends_although_requests_do_not_stop_to_come(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with predictor(folder.as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        with asking(lambda: process, True) as seen:
            wait_for(lambda: len(seen) > 50, timeout_seconds=30, what="there is traffic", interval_seconds=0.01)
            process.process.send_signal(signal.SIGTERM)
            assert process.wait_end() == 0
        assert 200 in seen
        assert {entry for entry in seen if isinstance(entry, int)} == {200}


def test_an_idle_connection_outlives_those_of_proxies(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with predictor(folder.as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        idle = connected(process)
        assert predict(idle) == (200, None)
        idle.sock.settimeout(6)
        with pytest.raises(TimeoutError):  # uvicorn's own default is 5 s
            idle.sock.recv(1)
        assert predict(idle) == (200, None)


def cpu_seconds(process: PredictorProcess) -> float:
    """Return what it has had of the processors."""
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slow_graph(steps: int = 60, size: int = 1500) -> bytes:
    """Return a graph that takes ONNX Runtime seconds to open: constants to be multiplied with each other."""
    weights = np.random.default_rng(0).normal(0, size**-0.5, (size, size)).astype(np.float32)
    nodes = [helper.make_node("MatMul", ["w" if n == 0 else f"p{n - 1}", "w"], [f"p{n}"]) for n in range(steps)]
    nodes += [
        helper.make_node("ReduceSum", [f"p{steps - 1}"], ["sum"], keepdims=0),
        helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Mul", ["flat", "sum"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )


def test_told_to_end_while_the_graph_is_opened_it_ends_at_once(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact", slow_graph())
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path) as process:
        wait_for(lambda: process.status_of_ready() == 503, timeout_seconds=30, what="listens", interval_seconds=0.02)
        opening = cpu_seconds(process) + 0.3
        wait_for(
            lambda: cpu_seconds(process) > opening, timeout_seconds=30, what="it opens the graph", interval_seconds=0.02
        )
        process.process.send_signal(signal.SIGTERM)
        assert process.wait_end() == 0, process.log.read_text()
        assert process.log.read_text() == ""


@pytest.mark.parametrize("steps", [1, 2, 4, 8, 16])
def test_it_fails_in_order_whenever_the_graph_is_there(tmp_path: Path, steps: int) -> None:
    # A thread that comes back from ONNX Runtime to an interpreter that has ended would abort the process.
    digest = write_artifact(tmp_path / "artifact", slow_graph(steps))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = {"PORT": str(taken.getsockname()[1])}
        with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, port) as process:
            assert process.wait_end() == 1, process.log.read_text()


@pytest.mark.parametrize("where", ["storage", "graph"])
def test_a_load_that_hangs_is_told(artifact: Artifact, tmp_path: Path, where: str) -> None:
    folder, digest = artifact
    if where == "graph":
        digest = write_artifact(folder, slow_graph())
    with bucket(folder) as store:
        if where == "graph":
            store.released.set()
        limit = {"TRANSFERMODEL_LOAD_SECONDS": "1"}
        with predictor("s3://bucket/artifact", digest, tmp_path, store.environment | limit) as process:
            assert process.wait_end() == 1, process.log.read_text()
            said = process.termination.read_text()
            assert "not loaded within 1 seconds" in said
            assert process.log.read_text() == f"transfermodel-predictor: {said}\n"


def test_a_port_that_is_taken_is_named(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with predictor(folder.as_uri(), digest, tmp_path, {"PORT": str(port)}) as process:
            assert process.wait_end() == 1, process.log.read_text()
        said = (tmp_path / "termination-log").read_text()
        assert f"cannot listen on port {port} of 127.0.0.1: another program does" in said
        assert (tmp_path / "predictor.log").read_text().endswith(f"transfermodel-predictor: {said}\n")
        assert "Traceback" not in (tmp_path / "predictor.log").read_text()


def test_told_to_end_at_any_moment_of_its_start_it_ends_quietly(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    for delay in (0.1, 0.2, 0.3, 0.5, 0.8):
        with predictor(folder.as_uri(), digest, tmp_path) as process:
            with suppress(subprocess.TimeoutExpired):
                process.process.wait(delay)
            process.process.terminate()
            # Before Python can catch a signal, it ends the process as it does every other.
            assert process.wait_end() in (0, -signal.SIGTERM), (delay, process.log.read_text())
            assert "Traceback" not in process.log.read_text()
