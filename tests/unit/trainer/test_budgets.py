"""Time that is over: what was learned until then is published, over all processes of a run."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transfermodel_operator.api import Reason, RunRequest, RunResult
from transfermodel_operator.api.run import RunTraining
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.limits import GPU_SECONDS, MAX_DURATION, Interrupted, Interruption, Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.run import execute
from transfermodel_trainer.training import finetuning

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]


class Steps:
    """A clock of steps: training is over after so many."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, end_at: int | None = None) -> None:
        """Count what is learned from now on; tell the process to end after so many steps."""
        self.done, self.interruption = 0, Interruption()
        step = finetuning._Tuning._step

        def count(tuning: finetuning._Tuning, *arguments: Any) -> None:
            step(tuning, *arguments)
            self.done += 1
            if self.done == end_at:
                self.interruption.tell()

        monkeypatch.setattr(finetuning._Tuning, "_step", count)

    def limits(self, **seconds: float) -> Limits:
        """Return limits in steps."""
        return Limits({MAX_DURATION: seconds["steps"]}, lambda: self.done, self.interruption)


@pytest.fixture
def request_(write: Write, request_for: Make) -> RunRequest:
    """Four epochs of a few steps, from scratch."""
    settings = {"unfreeze": "All", "epochs": 4, "learningRate": "1e-3", "batchSize": 4}
    training = {"strategy": "FineTuning", "fineTuning": settings}
    return request_for(write("train", datasets.folder(per_class=8)), training=training)


def run(request: RunRequest, limits: Limits, folder: Path, progress: Progress | None = None) -> RunResult:
    environment = {"TRANSFERMODEL_CHECKPOINTS": str(folder / "kept")}
    return execute(request, environment, progress or Progress(), limits=limits)


def test_at_the_end_of_its_time_the_best_model_so_far_is_published(
    request_: RunRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Steps(monkeypatch)
    result = run(request_, steps.limits(steps=7), tmp_path)
    assert steps.done == 7, "in the middle of an epoch"
    assert result.budget_exceeded == MAX_DURATION
    assert result.warnings[0].startswith("spec.training.maxDurationSeconds was over before training was done")
    assert result.int8 is not None
    assert result.int8.refusal == f"{MAX_DURATION} was over: there was no time to make a graph of 8-bit integers."
    assert "Epoch 2/4" in capsys.readouterr().out, "the epoch that was cut short is judged"
    card = Path(result.uri.removeprefix("file://"), "MODEL_CARD.md").read_text()
    assert "training ended early: spec.training.maxDurationSeconds was over" in card


def test_a_run_that_ends_in_time_says_nothing(
    request_: RunRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(request_, Steps(monkeypatch).limits(steps=1000), tmp_path)
    assert result.budget_exceeded is None
    assert result.warnings == []


def test_nothing_learned_yet_is_a_failure(
    request_: RunRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunError) as caught:
        run(request_, Steps(monkeypatch).limits(steps=0), tmp_path)
    assert caught.value.reason is Reason.DEADLINE_EXCEEDED
    assert "spec.training.maxDurationSeconds" in caught.value.message
    assert not list(tmp_path.glob("models/**/manifest.json"))


def test_a_solved_head_is_published_when_no_step_fits(
    request_: RunRequest, write: Write, request_for: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(request_, Steps(monkeypatch).limits(steps=1000), tmp_path)
    base = {"transferModel": "base", "version": "v1", "uri": made.uri, "digest": made.digest}
    request = request_for(
        write("other", datasets.folder(per_class=6)),
        name="other",
        backbone={"base": base},
        training={"strategy": "FineTuning"},
    )
    steps = Steps(monkeypatch)
    result = run(request, steps.limits(steps=0), tmp_path)
    assert steps.done == 0
    assert result.budget_exceeded == MAX_DURATION


def test_time_is_counted_over_resumes(
    request_: RunRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    training = request_.training.model_copy(update={"max_duration_seconds": 3000})
    request = request_.model_copy(update={"training": training})

    def again(spent: float, end_at: int | None = None) -> RunResult:
        steps, progress = Steps(monkeypatch, end_at), Progress()
        progress.resume({"Training": spent, "total": spent})
        limits = Limits.of(training, 0, progress.elapsed, steps.interruption)
        return run(request, limits, tmp_path, progress)

    for _ in range(2):
        with pytest.raises(Interrupted):
            again(1200, end_at=3)
    capsys.readouterr()
    result = again(1200)
    assert "Resuming after 6 of" in capsys.readouterr().out
    assert result.budget_exceeded == MAX_DURATION, "three times 1200 s"
    assert 3600 < result.seconds["total"] < 3700


def test_seconds_of_gpus() -> None:
    training = RunTraining.model_validate({"strategy": "FineTuning", "budget": {"gpuSeconds": 100}})
    assert Limits.of(training, 2, lambda: 49.0).exceeded() is None
    assert Limits.of(training, 2, lambda: 49.0).remaining_seconds() == 1
    assert Limits.of(training, 2, lambda: 50.0).exceeded() == GPU_SECONDS
    assert Limits.of(training, 1, lambda: 99.0).exceeded() is None
    assert Limits.of(training, 0, lambda: 3599.0).exceeded() is None
    assert Limits.of(training, 0, lambda: 3600.0).exceeded() == MAX_DURATION
    assert Limits.of(training, 2, lambda: 3600.0).exceeded() == GPU_SECONDS, "the one that was over first"
    assert Limits.none().exceeded() is None
    assert Limits.none().remaining_seconds() > time.monotonic()
