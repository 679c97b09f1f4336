"""Searches with their real processes: the same however many run at a time, whatever crashes, whenever they end."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from transfermodel_operator.api.spec import Search
from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.limits import MAX_DURATION, Interrupted, Interruption, Limits
from transfermodel_trainer.search import processes
from transfermodel_trainer.search.processes import Process, Processes
from transfermodel_trainer.search.study import SEARCH_DURATION, Found, Study
from transfermodel_trainer.search.trials import Trial

from tests.unit.trainer.search.conftest import HEADS, TUNING, Listening, write_features

Make = Callable[..., Study]
TRIALS = 10


class After(Interruption):
    """Told to end once so many trials are over."""

    def __init__(self, listening: Listening, count: int) -> None:
        """Take who knows, and the count."""
        super().__init__()
        self.listening, self.most = listening, len(listening.trials()) + count

    def told(self) -> bool:
        """Tell whether it is so far."""
        return len(self.listening.trials()) >= self.most


def equal(found: Found | None, other: Found | None) -> bool:
    """Tell whether two searches came to the same, to the last bit."""
    assert found is not None
    assert other is not None
    return found.history.to_wire() == other.history.to_wire() and all(
        torch.equal(tensor, other.tensors[name]) for name, tensor in found.tensors.items()
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, Listening]:
    """A search of heads, and what it said."""
    listening = Listening()
    folder = tmp_path_factory.mktemp("whole") / "shared"
    search = Search(trials=TRIALS)
    found = Study(search, HEADS, write_features(folder), "the validation set", 0, listening, Limits.none()).run(1, 1)
    assert found is not None
    return found, listening


def test_it_tries_what_is_asked_for_and_returns_the_best(whole: tuple[Found, Listening]) -> None:
    found, listening = whole
    history = found.history
    assert len(history.trials) == len(listening.trials()) == TRIALS
    assert history.ended_by == f"all {TRIALS} trials were made"
    assert found.exceeded is None
    assert history.best.loss is not None
    assert history.first.loss is not None
    assert history.best.loss <= history.first.loss
    assert (history.best.accuracy or 0) >= (history.first.accuracy or 0)
    assert {trial.method for trial in history.trials} == {"ridge", "logistic"}
    assert float(found.tensors["losses"].mean()) == pytest.approx(history.best.loss)
    assert listening.trials()[0].startswith("Trial 1/10, ridge {scaling: spread, views: plain, penalty: ")
    now = listening.now()
    assert (now.epoch, now.accuracy) == (TRIALS, f"{history.best.accuracy:.4f}")


def test_it_is_the_same_search_however_many_trials_run_at_a_time(study: Make, whole: tuple[Found, Listening]) -> None:
    assert equal(study(search=Search(trials=TRIALS, max_parallel=2)).run(2, 1), whole[0])


def test_interrupted_it_goes_on_and_ends_with_the_same_bits(
    study: Make, checkpoints: Checkpoints, listening: Listening, whole: tuple[Found, Listening]
) -> None:
    for count in (2, 4):
        limits = Limits({}, time.monotonic, After(listening, count))
        interrupted = study(TRIALS, checkpoints=checkpoints, limits=limits)
        assert interrupted.resume() == (count == 4)
        with pytest.raises(Interrupted):
            interrupted.run(1, 1)
        assert f"Kept what {len(interrupted.ledger.over)} trials found." in listening.lines
    resumed = study(TRIALS, checkpoints=checkpoints)
    assert resumed.resume()
    done, before = len(resumed.ledger.over), len(listening.trials())
    assert done >= 6
    assert equal(resumed.run(1, 1), whole[0])
    assert len(listening.trials()) - before == TRIALS - done, "none is tried twice"
    again = study(TRIALS, checkpoints=checkpoints)
    assert again.resume()
    assert equal(again.run(1, 1), whole[0]), "and one that was over is not tried again"


def test_a_process_that_is_killed_fails_its_trial_alone(
    study: Make, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Process.begin

    def begin_and_kill(
        self: Process, number: int, method: str, settings: Mapping[str, Any], seconds: Mapping[str, float]
    ) -> None:
        if number in (2, 4):
            os.kill(self._child.pid, signal.SIGKILL)
        begin(self, number, method, settings, seconds)

    monkeypatch.setattr(Process, "begin", begin_and_kill)
    found = study(7).run(1, 1)
    assert found is not None
    states = [trial.state for trial in found.history.trials]
    assert states == ["Complete", "Complete", "Failed", "Complete", "Failed", "Complete", "Complete"]
    assert "failed: its process was killed, most likely because memory ran out" in listening.trials()[2]


def test_a_process_finds_what_its_parent_finds_and_nothing_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, elsewhere = tmp_path / "code", tmp_path / "elsewhere"
    for folder, said in ((code, "ready"), (elsewhere, "other")):
        folder.mkdir()
        (folder / "worker_of_code.py").write_text(f'print(\'{{"event": "{said}"}}\')')
    monkeypatch.setattr(processes, "WORKER", "worker_of_code")
    monkeypatch.syspath_prepend(code)
    monkeypatch.chdir(elsewhere)
    event = Processes(tmp_path, 1, 1).next_event(30)
    assert event is not None
    assert event.content == {"event": "ready"}


def test_processes_that_cannot_start_end_it(
    study: Make, whole: tuple[Found, Listening], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "WORKER", "no_such_module")
    with pytest.raises(RunBroken, match="could try nothing: its process ended with exit status 1"):
        study(TRIALS).run(2, 1)
    begun, first = study(TRIALS), whole[0].history.first
    begun.adopt({"state": "Complete", "loss": first.loss, "accuracy": first.accuracy}, whole[0].tensors)
    found = begun.run(2, 1)
    assert found is not None
    assert len(found.history.trials) == 1
    assert found.history.ended_by.startswith("no further trial could be made: its process ended with exit status 1")


def test_without_any_model_it_ends_early(study: Make) -> None:
    broken = study(1000)
    (broken.shared.folder / "train-features.npy").write_bytes(b"no features")
    assert broken.run(1, 1) is None
    assert len(broken.ledger.over) == 10
    assert {trial.state for trial in broken.ledger.trials()} == {"Failed"}
    assert all(trial.cause.startswith("it crashed: ") for trial in broken.ledger.trials())


def test_its_own_time_ends_it_but_not_before_the_first_trial(study: Make) -> None:
    own = Search.model_construct(trials=None, max_parallel=1, max_duration_seconds=1)
    started = time.monotonic()
    found = study(search=own).run(1, 1)
    assert found is not None
    assert time.monotonic() - started < 60
    assert len(found.history.trials) >= 1
    assert found.history.ended_by == f"{SEARCH_DURATION} was over"
    assert found.exceeded is None, "that is what was asked for"


def test_the_run_s_time_ends_it_with_the_best_so_far(study: Make, listening: Listening) -> None:
    started = time.monotonic()
    limits = Limits({MAX_DURATION: 1e9}, lambda: 2e9 if len(listening.trials()) >= 3 else time.monotonic() - started)
    found = study(1000, limits=limits).run(1, 1)
    assert found is not None
    assert 3 <= len(found.history.trials) <= 7
    assert found.exceeded == MAX_DURATION
    assert found.history.ended_by == f"{MAX_DURATION} was over"


def test_fine_tuning_that_is_worse_than_others_is_pruned(study: Make, listening: Listening) -> None:
    tuning = study(9, space=TUNING)
    for number in range(8):
        good = Trial(number, "fineTuning", dict(TUNING.methods[0].usual), "Complete", steps={1: 1e-3, 2: 1e-3, 3: 1e-3})
        tuning.ledger.add(good)
    assert tuning.run(1, 1) is None
    pruned = tuning.ledger.over[8]
    assert pruned.state == "Pruned"
    assert list(pruned.steps) == [1], "after the first quarter"
    assert listening.trials()[-1].split(": ")[-1].startswith("pruned, ")


def test_fine_tuning_goes_by_what_is_tried(study: Make) -> None:
    found = study(4, space=TUNING).run(2, 1)
    assert found is not None
    rates = {trial.parameters["learningRate"] for trial in found.history.trials}
    assert len(rates) == 4
    assert len({trial.found["history"][-1]["loss"] for trial in found.history.trials}) == 4
    for trial in found.history.trials:
        assert trial.epochs == 4
        assert len(trial.found["history"]) == 4
    weights = [name for name in found.tensors if name.startswith("weight ")]
    assert len(weights) == len(study(1, space=TUNING).shared.start())
