"""The process: exit codes, last words, the clock, signals."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from transfermodel_operator.api import FailureClass, Reason, RunFailure, RunProgress, RunRequest, RunResult
from transfermodel_operator.api.run import RunCounts
from transfermodel_trainer import machine, main
from transfermodel_trainer.limits import MAX_DURATION, Limits
from transfermodel_trainer.progress import Progress

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]


@contextmanager
def started(request: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = dict(os.environ, TRANSFERMODEL_RUN=request, TRANSFERMODEL_TERMINATION_LOG=f"{tmp_path}/last-words")
    command = [sys.executable, "-m", "transfermodel_trainer"]
    process = subprocess.Popen(
        command, env=environment, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wire(request: RunRequest) -> str:
    return request.model_dump_json(by_alias=True, exclude_none=True)


def test_a_failure_is_a_sentence_and_code_42_without_torch(request_for: Make, tmp_path: Path) -> None:
    with started(wire(request_for(f"file://{tmp_path}/absent")), tmp_path) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 42, errors
    failure = RunFailure.model_validate_json((tmp_path / "last-words").read_text())
    assert (failure.reason, failure.failure) == (Reason.DATA_NOT_FOUND, FailureClass.USER)
    assert "torch" not in errors
    assert "absent" in output + errors


def test_a_run_ends_with_its_result(write: Write, request_for: Make, tmp_path: Path) -> None:
    request = wire(request_for(write("train", datasets.folder(per_class=3))))
    with started(request, tmp_path) as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    result = RunResult.model_validate_json((tmp_path / "last-words").read_text())
    assert not result.reused
    lines = [json.loads(line)["progress"] for line in output.splitlines() if line.startswith("{")]
    steps = [RunProgress.model_validate(line) for line in lines]
    assert [step.percent for step in steps] == sorted(step.percent for step in steps)
    assert {step.phase for step in steps} == {"Data", "Backbone", "Training", "Evaluation", "Publishing"}


def test_sigterm_ends_it_at_once_and_publishes_nothing(write: Write, request_for: Make, tmp_path: Path) -> None:
    long = {"unfreeze": "All", "epochs": 1000, "learningRate": "1e-4", "batchSize": 8}
    request = request_for(
        write("train", datasets.folder(per_class=4)), training={"strategy": "FineTuning", "fineTuning": long}
    )
    with started(wire(request), tmp_path) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"Training"' in line:
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 143
    assert not (tmp_path / "last-words").exists()
    assert not list(tmp_path.glob("models/**/manifest.json"))


def test_the_deadline(write: Write, request_for: Make, tmp_path: Path) -> None:
    training = {
        "strategy": "FineTuning",
        "fineTuning": {"unfreeze": "All", "epochs": 1000, "learningRate": "1e-4", "batchSize": 8},
        "maxDurationSeconds": 1,
    }
    request = request_for(write("train", datasets.folder(per_class=4)), training=training)
    with started(wire(request), tmp_path) as process:
        process.communicate(timeout=60)
    assert process.returncode == 42
    failure = RunFailure.model_validate_json((tmp_path / "last-words").read_text())
    assert failure.reason is Reason.DEADLINE_EXCEEDED
    assert "maxDurationSeconds" in failure.message


@pytest.mark.parametrize("request_text", ["", "{}", "not json", '{"run": 1}'])
def test_a_request_that_cannot_be_understood(
    request_text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRANSFERMODEL_RUN", request_text)
    monkeypatch.setenv("TRANSFERMODEL_TERMINATION_LOG", f"{tmp_path}/last-words")
    assert main.run() == 42
    assert RunFailure.model_validate_json((tmp_path / "last-words").read_text()).reason is Reason.INVALID_SPEC


def test_a_crash_leaves_its_name(
    write: Write, request_for: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> RunResult:
        raise ZeroDivisionError("float division\nby zero")

    monkeypatch.setattr("transfermodel_trainer.main.execute", broken)
    monkeypatch.setenv("TRANSFERMODEL_RUN", wire(request_for("file:///nowhere")))
    monkeypatch.setenv("TRANSFERMODEL_TERMINATION_LOG", f"{tmp_path}/last-words")
    assert main.run() == 1
    failure = RunFailure.model_validate_json((tmp_path / "last-words").read_text())
    assert (failure.failure, failure.reason) == (FailureClass.RUN, Reason.RUN_FAILED)
    assert "ZeroDivisionError: float division by zero" in failure.message


def result(**changes: object) -> RunResult:
    values = {
        "run": "0" * 64,
        "inputs_digest": "0" * 64,
        "data_digest": "sha256:" + "0" * 64,
        "uri": "s3://models/x",
        "digest": "sha256:" + "0" * 64,
        "metrics": {"accuracy": "0.9"},
        "metrics_split": "test",
        "estimated": False,
        "counts": RunCounts(classes=2, train=10),
        "seconds": {"total": 1.0},
        "device": "cpu",
    }
    return RunResult.model_validate(values | changes)


def test_the_last_words_fit() -> None:
    long = main.shortened(result(warnings=[f"{n} {'x' * 300}" for n in range(30)]))
    assert len(long.encode()) <= 3072
    kept = RunResult.model_validate_json(long).warnings
    assert kept[0].startswith("0 ")
    assert "result.json" in kept[-1]
    failure = RunFailure(failure=FailureClass.RUN, reason=Reason.RUN_FAILED, message="ä" * 5000)
    assert len(main.shortened(failure).encode()) <= 3072
    assert main.shortened(result()) == result().model_dump_json(by_alias=True, exclude_none=True)


def test_threads_follow_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "cpu.max"
    monkeypatch.setattr(machine, "CGROUP_V2", limit)
    monkeypatch.setattr(machine, "CGROUP_V1", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert machine.threads() == 8
    for content, expected in (("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)):
        limit.write_text(content)
        assert machine.threads() == expected
    limit.unlink()
    (tmp_path / "cpu.cfs_quota_us").write_text("300000")
    (tmp_path / "cpu.cfs_period_us").write_text("100000")
    assert machine.threads() == 3


def test_the_deadline_looks_at_a_clock_that_an_interrupted_run_puts_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    expired = threading.Event()
    monkeypatch.setattr(main.Deadline, "_expire", lambda self, field: expired.set())
    progress = Progress(quiet=True)
    deadline = main.Deadline(Limits({MAX_DURATION: 3600}, progress.elapsed))
    deadline.start()
    progress.resume({"Training": 3599.0, "total": 3700.0})
    assert expired.wait(30)


def test_a_deadline_that_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main.Deadline, "_expire", lambda self, field: pytest.fail("ended a run that was over"))
    deadline = main.Deadline(Limits({MAX_DURATION: 3600}, lambda: 3599.0))
    deadline.cancel()
    deadline._watch()


def test_what_was_done_before_says_nothing_about_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("transfermodel_trainer.progress.time.monotonic", lambda: now)
    progress = Progress(quiet=True, fine_tuning=True)
    progress.phase("Training", epochs=10)
    progress.step(0.5, epoch=5)  # by an interrupted run
    assert progress.now().eta_seconds is None
    now += 20
    progress.step(0.6, epoch=6)
    assert progress.now().eta_seconds == 100, "0.4 left and a tenth for the rest, at 200 s for the whole"


def test_progress_never_goes_back() -> None:
    progress = Progress(quiet=True, fine_tuning=True)
    seen = []
    for phase, fractions in (
        ("Data", (0.0, 1.0)),
        ("Features", (0.5,)),
        ("Training", (0.0, 0.5, 1.0)),
        ("Publishing", (1.0,)),
    ):
        progress.phase(phase)  # type: ignore[arg-type]
        for fraction in fractions:
            progress.step(fraction, epoch=1, loss=0.5)
            seen.append(progress.now().percent)
    assert seen == sorted(seen)
    assert seen[-1] == 100
