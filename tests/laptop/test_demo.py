"""`make demo` as a newcomer meets it: stopped and begun again, then a second time; and the commands that it prints."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from transfermodel.documents import Target, check
from transfermodel.workspace import Workspace

from examples.digits.showing import choose
from tests.support.command import environment
from tests.support.demo import answers, shell
from tests.support.stack import REPOSITORY
from tests.support.waiting import wait_for

DEADLINE_SECONDS = 860
MODELS = ("digits", "digits-base", "digits-scratch")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What of a clone the demo needs, and a home of its own."""
    clone = tmp_path_factory.mktemp("demo")
    for part in ("common", "digits"):
        shutil.copytree(REPOSITORY / "examples" / part, clone / "examples" / part)
    (clone / "home").mkdir()
    return clone


@pytest.fixture(scope="module")
def stopped(clone: Path) -> str:
    """What it says when Ctrl-C ends it in the middle of the base's training."""
    with start(clone, "-m", "examples.digits.laptop") as process:
        assert process.stdout is not None
        heard, told = [], False
        for line in process.stdout:
            heard.append(line)
            if line.startswith("digits-base:") and "epoch 1/4" in line and not told:
                process.send_signal(signal.SIGINT)
                told = True
        assert process.wait(DEADLINE_SECONDS) == 130, "".join(heard)
    return "".join(heard)


@pytest.fixture(scope="module")
def first(clone: Path, stopped: str) -> str:
    """What it says when it is begun again, and comes to its end."""
    return demo(clone)


@pytest.fixture(scope="module")
def second(clone: Path, first: str) -> str:
    """What it says when all of it is there."""
    return demo(clone)


def start(clone: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=clone,
        env=environment(clone / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def demo(clone: Path) -> str:
    process = start(clone, "-m", "examples.digits.laptop")
    said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    print(said)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    return said


def nothing_goes_on(clone: Path) -> bool:
    """Tell whether no trainer and no predictor of the workspace lives: each holds a lock as long as it does."""
    models = Workspace(clone / ".transfermodel").models()
    runs = [run for model in models if (run := model.last_run()) is not None]
    return all(model.server() is None for model in models) and all(run.state != "Running" for run in runs)


def test_ctrl_c_ends_all_of_it(clone: Path, stopped: str) -> None:
    assert "Interrupted" in stopped
    assert "Traceback" not in stopped
    assert nothing_goes_on(clone)


def test_begun_again_it_goes_on_where_it_was(first: str) -> None:
    assert "all there already" in first
    assert re.search(r"Resuming after [1-9]\d* of \d+ steps of training", first)
    assert re.search(r"digits-base: .* epoch 0/4 .*loss", first) is None


def test_transfer_wins_on_the_test_set(clone: Path, first: str) -> None:
    shown = {
        name: float(accuracy)
        for name, accuracy in re.findall(r"^(transfer|scratch|untrained trunk|raw pixels) .*? (0\.\d{3}) ", first, re.M)
    }
    assert set(shown) == {"transfer", "scratch", "untrained trunk", "raw pixels"}
    workspace = Workspace(clone / ".transfermodel")
    for row, name in (("transfer", "digits"), ("scratch", "digits-scratch")):
        version = workspace.model(name).current()
        assert version is not None
        assert version.result.metrics_split == "test"
        assert version.result.counts.test == 846
        assert shown[row] == pytest.approx(float(version.result.metrics["accuracy"]), abs=0.0005)
    assert shown["transfer"] >= 0.65
    assert shown["transfer"] - max(shown["scratch"], shown["untrained trunk"], shown["raw pixels"]) >= 0.15


def test_what_is_served_is_what_was_measured(first: str) -> None:
    found = re.search(
        r"All 846 test images over HTTP in .* s: (0\.\d+) right, by version v1; (0\.\d+) was reported", first
    )
    assert found is not None, first
    assert float(found[1]) == pytest.approx(float(found[2]), abs=0.005)


def test_what_it_leaves_behind(clone: Path, first: str) -> None:
    left = clone / "build" / "demo"
    counts = {part: len(list((left / "data" / part).glob("*/*.png"))) for part in ("source", "train", "test")}
    assert counts == {"source": 7208, "train": 50, "test": 846}
    test = {str(path.relative_to(left / "data" / "test")): b"" for path in sorted((left / "data" / "test").glob("*/*"))}
    assert len(choose(test)) == 10
    assert len(list(left.glob("*.png"))) == 10
    assert (left / "report.html").read_text().startswith("<!doctype html>")
    assert check(left / "digits.yaml", Target.LOCAL).findings == ()
    assert sorted(path.name for path in clone.iterdir()) == [".transfermodel", "build", "examples", "home"]
    assert nothing_goes_on(clone)


def test_a_second_time_nothing_is_trained(clone: Path, second: str) -> None:
    assert second.count("nothing changed, so nothing was trained") == len(MODELS)
    assert "epoch" not in second
    workspace = Workspace(clone / ".transfermodel")
    assert {model.name: len(model.versions()) for model in workspace.models()} == dict.fromkeys(MODELS, 1)
    assert nothing_goes_on(clone)


def test_the_commands_that_it_prints_work(clone: Path, second: str) -> None:
    printed = [line.strip() for line in second.splitlines() if line.startswith("    ")]
    (serve,) = [line for line in printed if "--serve" in line]
    (ask,) = [line for line in printed if " predict digits " in line]
    (curl,) = [line for line in printed if "curl" in line]
    url = re.findall(r"http://127\.0\.0\.1:\d+", curl)[0]
    server = subprocess.Popen(["bash", "-c", f"exec {serve}"], cwd=clone, env=environment(clone / "home"))
    try:
        wait_for(lambda: answers(url, "digits"), timeout_seconds=120, what="the server answers")
        table = shell(clone, f"{ask} --json")
        assert {answer["modelVersion"] for answer in json.loads(table)["predictions"]} == {"v1"}
        (answer,) = json.loads(shell(clone, curl))["predictions"]
        assert answer["label"] in "56789"
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 130
    assert nothing_goes_on(clone)
