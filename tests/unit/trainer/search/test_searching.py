"""Whole runs with a search, from the request to the artifact: all three strategies, and what cannot be searched."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from transfermodel_operator.api import Reason, RunRequest, RunResult
from transfermodel_operator.api.spec import Search
from transfermodel_trainer import machine
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.run import execute
from transfermodel_trainer.search.preparing import nothing_found, processes_for, told
from transfermodel_trainer.search.searching import chosen_by
from transfermodel_trainer.search.study import SEARCH_DURATION, Found
from transfermodel_trainer.search.trials import History, Trial, failed

from tests.support import datasets, report_records
from tests.unit.trainer.search.conftest import Listening

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what all runs here share."""
    return tmp_path_factory.mktemp("searching")


@pytest.fixture
def based(made: Path, request_for: Make, write: Write) -> Make:
    """Make requests on the trunk of a run that was trained once; noisy colours, so that no head is perfect."""
    kept = made / "base.json"
    if not kept.exists():
        output = f"file://{made}/models"
        files = datasets.folder(classes=("red", "green"), per_class=4)
        result = execute(request_for(write("base", files), name="base", outputUri=output), {}, Progress(quiet=True))
        kept.write_text(json.dumps({"uri": result.uri, "digest": result.digest}))
    base = {"transferModel": "base", "version": "v1"} | json.loads(kept.read_text())
    train = write("train", datasets.folder(per_class=8))

    def make(strategy: str, search: dict[str, Any], tuning: dict[str, Any] | None = None, **changes: Any) -> RunRequest:
        training: dict[str, Any] = {"strategy": strategy, "search": search, "fixed": sorted(tuning or {})}
        if tuning is not None:
            training["fineTuning"] = tuning
        test = write("test", datasets.folder(per_class=4, first=50))
        facts = {"backbone": {"base": base}, "training": training, "test": test} | changes
        return request_for(facts.pop("train", train), **facts)

    return make


def metrics(result: RunResult) -> dict[str, Any]:
    """Return metrics.json."""
    return dict(json.loads((Path(result.uri.removeprefix("file://")) / "metrics.json").read_text()))


def test_auto_searches_heads_and_fine_tuning(based: Make, listening: Listening) -> None:
    request = based("Auto", {"trials": 4}, {"epochs": 2, "batchSize": 8, "stages": 1})
    result = execute(request, {}, listening)
    found = metrics(result)
    trials = found["search"]["trials"]
    assert [trial["number"] for trial in trials] == [1, 2, 3, 4]
    assert [trial["method"] for trial in trials[:3]] == ["ridge", "fineTuning", "logistic"]
    tuned = trials[1]["parameters"]
    assert (tuned["epochs"], tuned["batchSize"], tuned["unfreeze"]) == (2, 8, "1")
    assert found["search"]["judgedBy"] == "the validation set"
    assert found["auto"]["chosen"] == result.strategy
    assert result.seconds["Search"] > 0


def test_the_usual_settings_give_the_model_of_a_run_without_a_search(based: Make, tmp_path: Path) -> None:
    tuning = {"epochs": 2, "batchSize": 8, "stages": 1, "learningRate": "1e-3"}
    alone = based("FineTuning", {"trials": 1}, tuning)
    plain = alone.model_copy(
        update={
            "training": alone.training.model_copy(update={"search": None, "fixed": None}),
            "output_uri": f"file://{tmp_path}/plain",
        }
    )
    searched, without = execute(alone, {}, Progress(quiet=True)), execute(plain, {}, Progress(quiet=True))
    weights = [
        load_file(Path(result.uri.removeprefix("file://")) / "model.safetensors") for result in (searched, without)
    ]
    assert all(bool((weights[0][name] == weights[1][name]).all()) for name in weights[1])
    assert searched.metrics == without.metrics


def test_heads_are_judged_by_leaving_out_where_there_is_no_validation_set(based: Make, listening: Listening) -> None:
    result = execute(based("FeatureExtraction", {"trials": 3}), {}, listening)
    search = metrics(result)["search"]
    assert search["judgedBy"] == "the training samples, each left out in turn"
    assert search["endedBy"] == "all 3 trials were made"
    assert {trial["method"] for trial in search["trials"]} == {"ridge", "logistic"}
    report = (Path(result.uri.removeprefix("file://")) / "report.html").read_text()
    assert "Cross entropy by trial" in report
    assert result.warnings == []


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        (
            "FeatureExtraction",
            "spec.training.search has nothing to judge its trials by: every class has a single image.",
        ),
        ("FineTuning", "spec.training.search has no validation set to judge its trials by"),
        ("Auto", "spec.training.search has no validation set to judge its trials by"),
    ],
)
def test_without_anything_to_judge_by_it_says_so(based: Make, write: Write, strategy: str, sentence: str) -> None:
    single = write("single", datasets.folder(per_class=1))
    with pytest.raises(RunError) as raised:
        execute(based(strategy, {"trials": 3}, train=single), {}, Progress(quiet=True))
    assert raised.value.reason == Reason.DATA_INVALID
    assert sentence in raised.value.message
    assert "Add images, set spec.data.validation, or leave search out." in raised.value.message


def test_too_many_stages_are_told_before_any_trial(based: Make, listening: Listening) -> None:
    with pytest.raises(RunError, match="set at most"):
        execute(based("FineTuning", {"trials": 3}, {"stages": 16}), {}, listening)
    assert listening.trials() == []


@pytest.mark.parametrize(
    ("asked", "trials", "processors", "parallel"), [(4, 20, 2, 2), (4, 20, 16, 4), (4, 3, 16, 3), (16, None, 8, 8)]
)
def test_no_more_at_a_time_than_processors_and_trials(
    monkeypatch: pytest.MonkeyPatch, asked: int, trials: int | None, processors: int, parallel: int
) -> None:
    monkeypatch.setattr(machine, "threads", lambda: processors)
    assert processes_for(Search.model_construct(trials=trials, max_parallel=asked)) == parallel


@pytest.mark.parametrize(
    ("cause", "reason", "remedy"),
    [
        ("it needs more memory than there is", Reason.OUT_OF_MEMORY, "lower search.maxParallel"),
        ("the loss was no longer a number", Reason.TRAINING_DIVERGED, "set a lower spec.training.fineTuning"),
        ("it crashed: ValueError: odd", Reason.RUN_FAILED, "Run it without search"),
    ],
)
def test_no_model_at_all_has_a_sentence_with_the_most_frequent_cause(cause: str, reason: Reason, remedy: str) -> None:
    begun = [Trial(number, "fineTuning", {}, "Stopped") for number in range(3)]
    error = nothing_found((failed(begun[0], cause), failed(begun[1], cause), failed(begun[2], "something else")))
    assert error.reason == reason
    assert error.message.startswith("None of the 3 trials of spec.training.search made a model; of 2 the cause was: ")
    assert cause in error.message
    assert remedy in error.message


def trial(number: int, method: str, loss: float, accuracy: float) -> Trial:
    return Trial(number, method, {}, "Complete", loss, accuracy, seconds=40.0)


def test_a_search_that_came_to_one_trial_is_warned_of() -> None:
    learned = report_records.record(("cat", "dog")).learned
    first = trial(0, "ridge", 0.3, 0.9)
    alone = Found(History((first,), 0, "the validation set", f"{SEARCH_DURATION} was over"), {}, None)
    search = Search(max_duration_seconds=10)
    (warning,) = told(learned, alone, search).warnings
    assert warning.startswith(
        "spec.training.search came to 1 trial only (spec.training.search.maxDurationSeconds was over)"
    )
    assert "One takes about 40 s here" in warning
    assert told(learned, alone, Search(trials=1)).warnings == (), "that is what was asked for"


def test_auto_says_what_it_compared() -> None:
    trials = (trial(0, "ridge", 0.3, 0.9), trial(1, "fineTuning", 0.2, 0.95), trial(2, "logistic", 0.25, 0.92))
    chosen = chosen_by(History(trials, 1, "the validation set", ""), None)
    assert (chosen.chosen, chosen.probe, chosen.tuned) == ("FineTuning", 0.92, 0.95)
    left = chosen_by(History(trials[:1], 0, "the validation set", ""), "fine-tuning was left out: it takes too long")
    assert (left.chosen, left.probe, left.tuned) == ("FeatureExtraction", 0.9, None)
