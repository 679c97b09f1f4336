"""Runs that are told to end, or are killed, anywhere: started again they publish what they would have anyway."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transfermodel_operator.api import RunRequest, RunResult
from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.features.cache import FeatureCache
from transfermodel_trainer.limits import Interrupted, Interruption, Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.run import execute

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]


class Told(Interruption):
    """Told to end when it is asked for the n-th time."""

    def __init__(self, left: int) -> None:
        """Take n."""
        super().__init__()
        self.left = left

    def told(self) -> bool:
        """Count."""
        self.left -= 1
        return self.left < 0


class Killed(BaseException):
    """Ends a run where SIGKILL would."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def run(request: RunRequest, folder: Path, limits: Limits | None = None) -> RunResult:
    # Another process begins with other random numbers.
    torch.manual_seed(12345)
    return execute(request, {"TRANSFERMODEL_CHECKPOINTS": str(folder)}, Progress(), limits=limits)


def told(after: int) -> Limits:
    return Limits({}, time.monotonic, Told(after))


def undisturbed(request: RunRequest, tmp_path: Path) -> RunResult:
    return execute(request.model_copy(update={"output_uri": f"file://{tmp_path}/whole"}), {}, Progress(quiet=True))


def tuned(make: Make, train: str, **changes: Any) -> RunRequest:
    """Dropout, BatchNorm's statistics and AdamW's moments all matter here."""
    settings = {"unfreeze": "All", "epochs": 3, "learningRate": "1e-3", "batchSize": 4}
    backbone = {"name": "torchvision/mobilenet_v3_small", "weights": {"scratch": True}, "input": {"size": 32}}
    training = {"strategy": "FineTuning", "fineTuning": settings, "checkpointIntervalSeconds": 0}
    return make(train, **({"training": training, "backbone": backbone} | changes))


@pytest.fixture
def base(write: Write, request_for: Make) -> dict[str, Any]:
    """A backbone to transfer from."""
    result = execute(request_for(write("base", datasets.folder(per_class=4)), name="base"), {}, Progress(quiet=True))
    return {"base": {"transferModel": "base", "version": "v1", "uri": result.uri, "digest": result.digest}}


def test_told_to_end_at_any_time_it_goes_on_and_ends_with_the_same_bits(
    write: Write, request_for: Make, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=6)))
    whole = undisturbed(request, tmp_path)
    capsys.readouterr()
    steps = []
    # Once at the very first step, then at each second time that training looks: in the middle of an epoch, between two,
    # and while the validation set is judged.
    for after in (0, *[2] * 100):
        try:
            result = run(request, folder, told(after))
        except Interrupted:
            said = capsys.readouterr().out
            assert "Kept what was learned in" in said
            steps.append(int(said.partition("Kept what was learned in ")[2].split()[0]))
            continue
        break
    assert len(steps) >= 5
    assert steps[0] == 0
    assert steps == sorted(steps)
    assert any(step % 3 for step in steps), "in the middle of an epoch, too"
    assert result.digest == whole.digest
    assert result.metrics == whole.metrics
    assert list(folder.iterdir()) == [], "removed after publishing"


@pytest.mark.parametrize("at", [1, 5, 9])
def test_killed_at_a_step_it_goes_on_from_the_last_checkpoint(
    write: Write,
    request_for: Make,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    at: int,
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=6)))
    whole = undisturbed(request, tmp_path)
    killed(request, folder, monkeypatch, at)
    kept = sorted(path.name for path in folder.glob("checkpoint-epochs-*"))
    assert len(kept) == min(at, 2)
    if len(kept) == 2:  # the newest is damaged: the one before will do
        (folder / kept[-1]).write_bytes((folder / kept[-1]).read_bytes()[:-1])
    capsys.readouterr()
    result = run(request, folder)
    said = capsys.readouterr().out
    assert f"Resuming after {max(1, at - 1)} of " in said
    assert ("is damaged" in said) == (len(kept) == 2)
    assert result.digest == whole.digest


def killed(request: RunRequest, folder: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Run until so many steps are done and kept."""
    left, later = at, Checkpoints.save_later

    def save_and_die(self: Checkpoints, *arguments: Any, wait: bool = False) -> bool:
        nonlocal left
        assert self.save(*arguments)
        left -= 1
        if left == 0:
            raise Killed
        return True

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save_later", save_and_die)
        with pytest.raises(Killed):
            run(request, folder)
    assert Checkpoints.save_later is later


def test_of_a_base_the_head_is_not_solved_again_and_statistics_stay(
    base: dict[str, Any], write: Write, request_for: Make, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"stages": 2, "epochs": 2, "learningRate": "1e-3", "batchSize": 4}
    training = {"strategy": "FineTuning", "fineTuning": settings, "checkpointIntervalSeconds": 0}
    request = tuned(
        request_for,
        write("train", datasets.folder(per_class=8)),
        backbone={**base, "input": {"size": 32}},
        training=training,
    )
    whole = undisturbed(request, tmp_path)
    killed(request, folder, monkeypatch, 2)
    with pytest.raises(Interrupted):
        run(request, folder, told(4))
    with monkeypatch.context() as patched:
        patched.setattr(
            "transfermodel_trainer.strategies.extraction.fit_probe", lambda *_, **__: pytest.fail("solved again")
        )
        assert run(request, folder).digest == whole.digest


def test_a_checkpoint_of_other_settings_is_not_used(
    write: Write, request_for: Make, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    with pytest.raises(Interrupted):
        run(request, folder, told(5))
    other = request.model_copy(update={"training": request.training.model_copy(update={"seed": 1})})
    whole = undisturbed(other, tmp_path)
    capsys.readouterr()
    assert run(other, folder).digest == whole.digest
    said = capsys.readouterr().out
    assert "of another run (another training): they are not used" in said
    assert "Resuming" not in said


def test_in_the_cluster_they_lie_in_the_run_s_own_folder(
    write: Write, request_for: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    whole = undisturbed(request, tmp_path)
    with pytest.raises(Interrupted):
        execute(request, {}, Progress(), limits=told(5))
    newest, *_ = tmp_path.glob("models/tests/colours/runs/*/*/checkpoints/checkpoint-epochs-*")
    capsys.readouterr()
    result = execute(request, {}, Progress())
    assert "Resuming after" in capsys.readouterr().out
    assert result.digest == whole.digest
    assert not list(newest.parent.iterdir())


@pytest.mark.parametrize("after", [1, 3, 5])
def test_an_interrupted_feature_extraction_goes_on_in_the_middle(
    base: dict[str, Any],
    write: Write,
    request_for: Make,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    after: int,
) -> None:
    monkeypatch.setattr("transfermodel_trainer.training.feeds.PIXELS_PER_BATCH", 32 * 32 * 16)
    changes = {"backbone": base, "training": {"strategy": "FeatureExtraction", "checkpointIntervalSeconds": 0}}
    train, test = write("train", datasets.folder(per_class=10)), write("test", datasets.folder(per_class=4, first=50))
    whole = execute(
        request_for(train, test=test, outputUri=f"file://{tmp_path}/whole", **changes), {}, Progress(quiet=True)
    )
    request = request_for(train, test=test, **changes)
    left, flush = after, FeatureCache.flush

    def flush_and_end(self: FeatureCache, view: str) -> None:
        nonlocal left
        flush(self, view)
        left -= 1
        if left == 0:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(FeatureCache, "flush", flush_and_end)
        with pytest.raises(Killed):
            run(request, folder)
    torch.rand(7)
    capsys.readouterr()
    assert run(request, folder).digest == whole.digest
    said = capsys.readouterr().out
    assert ("16 of 30 samples (plain)" if after == 1 else "30 of 30 samples (plain)") in said
    assert ("of 30 samples (mirrored)" in said) == (after > 3)
    assert list(folder.iterdir()) == []


def test_what_was_not_interrupted_is_not_changed_by_checkpoints(
    write: Write, request_for: Make, folder: Path, tmp_path: Path
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    seldom = request.training.model_copy(update={"checkpoint_interval_seconds": 3600})
    whole = undisturbed(request.model_copy(update={"training": seldom}), tmp_path)
    assert run(request, folder).digest == whole.digest


def test_a_run_goes_on_when_nothing_can_be_kept(
    write: Write,
    request_for: Make,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    whole = undisturbed(request, tmp_path)
    monkeypatch.setattr("transfermodel_trainer.checkpoints.write", full)
    assert run(request, folder).digest == whole.digest
    assert capsys.readouterr().out.count("no checkpoint can be written") == 1


def test_what_remains_of_a_published_run_is_removed(
    write: Write, request_for: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "remove", lambda self: None)  # killed between publishing and removing
        run(request, folder)
    assert list(folder.iterdir())
    assert run(request, folder).reused
    assert list(folder.iterdir()) == []


def test_time_counts_over_interruptions(write: Write, request_for: Make, folder: Path) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    progress = Progress(quiet=True)
    progress.resume({"Data": 100.0, "Training": 900.0, "total": 1000.0})
    with pytest.raises(Interrupted):
        execute(request, {"TRANSFERMODEL_CHECKPOINTS": str(folder)}, progress, limits=told(5))
    result = run(request, folder)
    assert 1000 < result.seconds["total"] < 1100
    assert 900 < result.seconds["Training"] < 1000
