"""The real predictor on loopback: it answers, is known while it lives, and never outlives whoever started it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import transfermodel
from transfermodel.errors import NotFound, RunFailed, TransferModelError, UsageError
from transfermodel.local import serve
from transfermodel.predictions import client
from transfermodel.workspace import LocalModel, LocalVersion, Workspace
from transfermodel_operator.api import Int8Check

from tests.support.colours import colour_model, write_artifact
from tests.support.datasets import picture
from tests.support.library import run_result
from tests.support.predictor_process import free_port
from tests.support.waiting import wait_for


@pytest.fixture
def model(tmp_path: Path) -> LocalModel:
    """A model with one version: a tiny real artifact."""
    workspace = Workspace(tmp_path / "work")
    digest = write_artifact(workspace.artifacts / "x")
    model = workspace.make("colours", "default")
    model.record_version(run_result("file:///x", digest=digest), "x", {})
    return model


@pytest.fixture
def version(model: LocalModel) -> LocalVersion:
    """Its version."""
    newest = model.newest()
    assert newest is not None
    return newest


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def answers(url: str) -> bool:
    """Tell whether something listens there."""
    try:
        httpx.get(f"{url}/v2/health/live", trust_env=False)
    except httpx.TransportError:
        return False
    return True


def test_it_answers_when_serve_returns_and_is_gone_after_the_block(model: LocalModel, version: LocalVersion) -> None:
    with serve(version, model) as server:
        assert server.port >= 8080
        running = model.server()
        assert running is not None
        assert (running.pid, running.port, running.version) == (server.pid, server.port, "v1")
        assert running.endpoint() == server.endpoint()
        (answer,) = client.predict(server.endpoint(), [picture("red", 0)])
        assert (answer.label, answer.model_version) == ("red", "v1")
    assert model.server() is None
    assert not answers(server.url)


def test_a_given_port_is_used_and_one_in_use_is_refused(model: LocalModel, version: LocalVersion, taken: int) -> None:
    with pytest.raises(UsageError, match=rf"Port {taken} of 127\.0\.0\.1 is in use"):
        serve(version, model, port=taken)
    port = free_port()
    with serve(version, model, port=port) as server:
        assert server.url == f"http://127.0.0.1:{port}"
    with serve(version, model, port=port) as server:  # what the first left in TIME_WAIT does not matter
        assert answers(server.url)


def test_a_version_is_served_in_integers_where_it_is_as_good(model: LocalModel, version: LocalVersion) -> None:
    with pytest.raises(UsageError, match=r"colours v1 is not served in Int8\. It was trained before"):
        serve(version, model, precision="Int8")
    worse = Int8Check(accuracy="0.8", float32_accuracy="0.9", refusal="It is worse.")
    with pytest.raises(UsageError, match=r"colours v2 is not served in Int8\. It is worse\."):
        serve(in_integers(model, worse), model, precision="Int8")
    good = in_integers(model, Int8Check(accuracy="0.9", float32_accuracy="0.9"))
    with serve(good, model, precision="Int8") as server:
        described = httpx.get(f"{server.url}/v2/models/colours", trust_env=False).json()
        assert described["parameters"] == {"digest": good.digest, "precision": "Int8", "device": "cpu"}


def in_integers(model: LocalModel, check: Int8Check) -> LocalVersion:
    """Return one more version, with a graph for integers, and what is known of it."""
    folder = f"{check.accuracy}"
    digest = write_artifact(model.artifacts / folder, files={"model.int8.onnx": colour_model()})
    model.record_version(run_result(f"file:///{folder}", run=folder * 20, digest=digest, int8=check), folder, {})
    newest = model.newest()
    assert newest is not None
    return newest


def test_one_model_has_one_server(model: LocalModel, version: LocalVersion) -> None:
    with serve(version, model) as server:
        with pytest.raises(UsageError, match=rf"colours v1 is served already: {server.url}, process {server.pid}"):
            serve(version, model)
        assert answers(server.url)
    with serve(version, model) as server:
        assert answers(server.url)


def test_an_end_of_its_own_is_told(model: LocalModel, version: LocalVersion) -> None:
    with serve(version, model) as server:
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(RunFailed, match=r"predictor of colours ended with status -9\. The log shows more"):
            server.wait()
        assert model.server() is None


def test_being_stopped_from_outside_is_no_error(model: LocalModel, version: LocalVersion) -> None:
    with serve(version, model) as server:
        os.kill(server.pid, signal.SIGTERM)
        server.wait()
    assert model.server() is None


def test_an_artifact_that_cannot_be_served_is_a_sentence(model: LocalModel, version: LocalVersion) -> None:
    (version.folder / "model.onnx").write_bytes(b"other")
    with pytest.raises(
        TransferModelError, match=r"colours ended with status 1\. .*somebody replaced it.*log shows more"
    ):
        serve(version, model)
    assert model.server() is None
    (version.folder / "manifest.json").unlink()
    with pytest.raises(NotFound, match="artifact of colours v1 is gone"):
        serve(version, model)


def test_a_proxy_of_the_environment_is_not_asked(
    model: LocalModel, version: LocalVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serve(version, model) as server:
        assert (
            transfermodel.load("colours", workspace=model.folder.parents[2]).predict(picture("red", 0)).label == "red"
        )
        assert answers(server.url)


def test_the_working_directorys_modules_are_not_imported(
    model: LocalModel, version: LocalVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("random", "numpy", "transfermodel_predictor"):
        Path(f"{name}.py").write_text("raise SystemExit(7)\n")
    with serve(version, model) as server:
        assert answers(server.url)


PROGRAM = """
import signal, sys, transfermodel
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
with transfermodel.load("colours", workspace=sys.argv[1]).serve() as server:
    print(server.url, flush=True)
    server.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_its_parent(model: LocalModel, tmp_path: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "work")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    with parent.stdout as stdout:
        url = stdout.readline().strip()
    assert model.server() is not None
    assert answers(url)
    parent.send_signal(number)
    parent.wait(60)
    wait_for(lambda: model.server() is None and not answers(url), timeout_seconds=30, what="the server is gone")
