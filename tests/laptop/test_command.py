"""A newcomer's day with the command, as real processes: from a folder of images to a served model, and every Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.command import Ended, command, start
from tests.support.families import alive, descendants
from tests.support.library import write_data, yaml_of
from tests.support.waiting import wait_for

PATIENCE_SECONDS = 240.0
MANY_EPOCHS = "{strategy: FineTuning, fineTuning: {unfreeze: All, epochs: 60, batchSize: 8}}"


class Running:
    """A command that runs; what it says can be waited for."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Begin to listen."""
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self.family: set[int] = set()
        """Every process that was seen below it."""
        for stream, lines in ((process.stdout, self.out), (process.stderr, self.err)):
            assert stream is not None
            threading.Thread(target=lines.extend, args=(stream,), daemon=True).start()

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something, while the command runs."""

        def look() -> bool:
            self.family |= set(descendants(self.process.pid))
            found = bool(condition())
            assert found or self.process.poll() is None, f"it ended before {what}:\n{self.said}"
            return found

        wait_for(look, timeout_seconds=PATIENCE_SECONDS, what=what, explain=lambda: self.said, interval_seconds=0.05)

    def says(self, pattern: str) -> None:
        """Wait until a line of either stream matches."""
        self.wait_for(lambda: re.search(pattern, self.said), f"it says {pattern!r}")

    def has_child(self, name: str) -> None:
        """Wait until a process of this name runs below it."""
        self.wait_for(lambda: any(name in args for args in descendants(self.process.pid).values()), f"{name} runs")

    @property
    def said(self) -> str:
        """Everything so far."""
        return "".join([*self.out, *self.err])

    def end(self, number: signal.Signals) -> int:
        """Send a signal as a terminal does, to the whole group; return the status. Nobody may be left."""
        self.family |= set(descendants(self.process.pid))
        os.killpg(self.process.pid, number)
        code = self.process.wait(PATIENCE_SECONDS)
        wait_for(lambda: not alive(self.family), timeout_seconds=30, what="all children are gone")
        assert "Traceback" not in self.said, self.said
        return code


@contextmanager
def running(*arguments: str, folder: Path) -> Iterator[Running]:
    """Start a command as the leader of its group, as a shell does."""
    process = start(*arguments, folder=folder, start_new_session=True)
    watched = Running(process)
    try:
        yield watched
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images in shapes/train and shapes/test."""
    folder = tmp_path_factory.mktemp("home")
    write_data(folder / "shapes")
    return folder


def well(ended: Ended) -> Ended:
    """Expect success."""
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    return ended


def test_a_day(home: Path) -> None:
    """From a folder of images to answers, an interruption and a change included."""
    well(command("init", "shapes", "--scratch", "--out", "shapes.yaml", folder=home))
    file = home / "shapes.yaml"
    file.write_text(re.sub(r"epochs: \d+", "epochs: 2", file.read_text()))
    well(command("validate", "-f", "shapes.yaml", folder=home))
    assert well(command("plan", "-f", "shapes.yaml", "--json", folder=home)).json

    with running("run", "-f", "shapes.yaml", "--serve", "--json", folder=home) as run:
        run.wait_for(lambda: run.out and run.out[-1].rstrip() == "}", "it serves")
        told = json.loads("".join(run.out))
        (model,) = told["models"]
        assert (model["name"], model["version"], model["unchanged"]) == ("shapes", "v1", False)
        assert 0 <= model["metrics"]["accuracy"] <= 1
        assert Path(model["report"]).is_file()
        assert Path(model["artifact"], "model.onnx").is_file()

        answered = well(command("predict", "shapes", "shapes/test", "--json", folder=home)).json
        assert answered["answeredBy"].startswith(told["server"]["url"])
        assert len(answered["predictions"]) == len(list((home / "shapes/test").rglob("*.png")))
        image = answered["predictions"][0]
        asked = [sys.executable, told["client"], image["file"]]
        printed = subprocess.run(asked, cwd=home, capture_output=True, text=True, check=True).stdout
        assert f"{image['file']}: {image['label']} (" in printed

        second = command("run", "-f", "shapes.yaml", "--serve", folder=home)
        assert second.code == 2
        assert "is served already" in second.err
        assert run.end(signal.SIGINT) == 130

    here = well(command("predict", "shapes", "shapes/test", "--json", folder=home)).json
    assert "no server runs" in here["answeredBy"]
    assert [p["label"] for p in here["predictions"]] == [p["label"] for p in answered["predictions"]]

    again = well(command("run", "-f", "shapes.yaml", folder=home))
    assert "✓ shapes v1: nothing changed, so nothing was trained" in again.out


def test_interrupted_it_resumes_and_then_nothing_is_left_to_do(home: Path) -> None:
    (home / "long.yaml").write_text(
        yaml_of("long", data="{train: {uri: shapes/train}, test: {uri: shapes/test}}", training=MANY_EPOCHS)
    )
    with running("run", "-f", "long.yaml", folder=home) as run:
        run.says(r"epoch [3-9]/60")
        assert run.end(signal.SIGINT) == 130
        assert "Interrupted; the same command resumes.\n" in run.err
        assert run.out == []
    ended = well(command("run", "-f", "long.yaml", folder=home))
    assert re.search(r"Resuming after \d+ of \d+ steps", ended.err)
    assert "✓ long v1: resumed and trained in" in ended.out
    assert "transfermodel predict long shapes/test/" in ended.out
    assert "nothing was trained" in well(command("run", "-f", "long.yaml", folder=home)).out


def test_several_documents_run_after_what_they_start_from_and_the_last_is_served(home: Path) -> None:
    data = "{train: {uri: shapes/train}, test: {uri: shapes/test}}"
    child = yaml_of(
        "child", backbone="{fromTransferModel: parent}", data=data, training="{strategy: FeatureExtraction}"
    )
    other = yaml_of("unasked", data=data)
    (home / "family.yaml").write_text("---".join([child, yaml_of("parent", data=data), other]))
    with running("run", "-f", "family.yaml", "--name", "child", "--serve", folder=home) as run:
        run.says(r"Ctrl-C stops it")
        assert re.findall(r"✓ (\w+) v1", run.said) == ["parent", "child"]
        assert "Serving child v1 at http://127.0.0.1:" in run.said
        assert run.end(signal.SIGTERM) == 143
    assert not (home / ".transfermodel/models/default/unasked").exists()


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(lambda run: run.has_child("transfermodel_trainer"), id="the trainer starts"),
        pytest.param(lambda run: run.says("training  epoch 0"), id="training begins"),
        pytest.param(lambda run: run.says("evaluating"), id="evaluating"),
        pytest.param(lambda run: run.says("writing the artifact"), id="publishing"),
        pytest.param(lambda run: run.has_child("transfermodel_predictor"), id="the predictor starts"),
        pytest.param(lambda run: run.says("Ctrl-C stops it"), id="serving"),
    ],
)
def test_ctrl_c_leaves_nobody(moment: Callable[[Running], None], home: Path, tmp_path: Path) -> None:
    (home / "short.yaml").write_text(yaml_of("short", data="{train: {uri: shapes/train}, test: {uri: shapes/test}}"))
    with running("run", "-f", "short.yaml", "--serve", "--workspace", str(tmp_path / "w"), folder=home) as run:
        moment(run)
        assert run.end(signal.SIGINT) == 130, run.said
        assert re.search(r"^(Interrupted; the same command resumes|Stopped)\.$", run.said, re.MULTILINE)
        assert run.family


def test_ctrl_c_while_a_cluster_is_waited_for(home: Path, tmp_path: Path) -> None:
    """A model that does not wake: its server takes the request and says nothing."""
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        config = tmp_path / "kubeconfig"
        config.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\nusers: [{name: a, user: {token: b}}]\n"
            f"clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n"
            "contexts: [{name: a, context: {cluster: a, user: a}}]\n"
        )
        with running("predict", "x", "shapes/test", "--kubeconfig", str(config), folder=home) as run:
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(10)
                assert run.end(signal.SIGINT) == 130
            assert run.said == ""
