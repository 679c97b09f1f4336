"""`make demo-text` as a newcomer meets it, twice; and the commands that it prints."""

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

from examples.common.errors import DemoError
from examples.text import encoder
from tests.support.absent import absent
from tests.support.command import environment
from tests.support.demo import answers, shell
from tests.support.stack import REPOSITORY
from tests.support.waiting import wait_for

DEADLINE_SECONDS = 860


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What of a clone the demo needs, and a home of its own; the encoder is fetched once, into the user's cache."""
    clone = tmp_path_factory.mktemp("demo-text")
    for part in ("common", "text"):
        shutil.copytree(REPOSITORY / "examples" / part, clone / "examples" / part)
    (clone / "home").mkdir()
    try:
        encoder.fetch()
    except DemoError as error:
        absent(str(error))
    return clone


@pytest.fixture(scope="module")
def first(clone: Path) -> str:
    """What it says when nothing is there."""
    return demo(clone)


@pytest.fixture(scope="module")
def second(clone: Path, first: str) -> str:
    """What it says when all of it is there."""
    return demo(clone)


def demo(clone: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "examples.text.laptop"],
        cwd=clone,
        env=environment(clone / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


def test_the_pretrained_encoder_wins_on_the_test_set(clone: Path, first: str) -> None:
    rows = re.findall(r"^(transfer|untrained encoder|words) .*? (0\.\d{3}) ", first, re.M)
    shown = {name: float(accuracy) for name, accuracy in rows}
    assert set(shown) == {"transfer", "untrained encoder", "words"}
    version = Workspace(clone / ".transfermodel").model("support").current()
    assert version is not None
    assert version.result.metrics_split == "test"
    assert (version.result.counts.train, version.result.counts.test) == (60, 140)
    assert shown["transfer"] == pytest.approx(float(version.result.metrics["accuracy"]), abs=0.0005)
    assert shown["transfer"] >= 0.8
    assert shown["transfer"] - max(shown["untrained encoder"], shown["words"]) >= 0.3


def test_what_is_served_is_what_was_measured(first: str) -> None:
    found = re.search(
        r"All 140 test sentences over HTTP in .* s: (0\.\d+) right, by version v1; (0\.\d+) was reported", first
    )
    assert found is not None, first
    assert float(found[1]) == pytest.approx(float(found[2]), abs=0.005)


def test_nobody_speaks_of_images(first: str) -> None:
    assert "image" not in first.lower()
    assert "on 140 test texts" in first


def test_what_it_leaves_behind(clone: Path, first: str) -> None:
    left = clone / "build" / "demo-text"
    assert (left / "report.html").read_text().startswith("<!doctype html>")
    assert check(left / "text.yaml", Target.LOCAL).findings == ()
    assert sorted(path.name for path in clone.iterdir()) == [".transfermodel", "build", "examples", "home"]
    assert Workspace(clone / ".transfermodel").model("support").server() is None


def test_a_second_time_nothing_is_trained(clone: Path, second: str) -> None:
    assert "nothing changed, so nothing was trained" in second
    assert len(Workspace(clone / ".transfermodel").model("support").versions()) == 1


def test_the_commands_that_it_prints_work(clone: Path, second: str) -> None:
    printed = [line.strip() for line in second.splitlines() if line.startswith("    ")]
    (serve,) = [line for line in printed if "--serve" in line]
    (ask,) = [line for line in printed if " predict support " in line]
    (curl,) = [line for line in printed if "curl" in line]
    url = re.findall(r"http://127\.0\.0\.1:\d+", curl)[0]
    server = subprocess.Popen(["bash", "-c", f"exec {serve}"], cwd=clone, env=environment(clone / "home"))
    try:
        wait_for(lambda: answers(url, "support"), timeout_seconds=120, what="the server answers")
        (answer,) = json.loads(shell(clone, f"{ask} --json"))["predictions"]
        assert (answer["text"], answer["label"]) == ("hey, the money was taken from my account two times", "billing")
        (answer,) = json.loads(shell(clone, curl))["predictions"]
        assert answer["label"] == "delivery"
        client = clone / ".transfermodel/models/default/support/client.py"
        said = shell(clone, f"{sys.executable} -I {client} 'you guys rock'")
        assert said.startswith("you guys rock: praise (")
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 130
