"""Auto: the better of two, by the validation set alone; the test set judges what was chosen."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transfermodel_operator.api import Reason, RunRequest, RunResult
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.evaluation.choice import Choice, choose
from transfermodel_trainer.limits import MAX_DURATION, Interrupted, Interruption, Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.run import execute
from transfermodel_trainer.strategies import again, auto, usual
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.strategies.tuning import fine_tuned
from transfermodel_trainer.strategies.usual import FEW, FEW_STEPS, usual_plan
from transfermodel_trainer.training.batches import steps_per_epoch
from transfermodel_trainer.training.finetuning import Tuned
from transfermodel_trainer.training.recipe import USUAL

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]
TUNING = {"unfreeze": "All", "epochs": 2, "learningRate": "1e-3", "batchSize": 8}


@pytest.fixture
def base(write: Write, request_for: Make) -> dict[str, Any]:
    """A backbone to transfer from."""
    result = execute(request_for(write("base", datasets.folder(per_class=4)), name="base"), {}, Progress(quiet=True))
    return {"base": {"transferModel": "base", "version": "v1", "uri": result.uri, "digest": result.digest}}


@pytest.fixture
def asked(base: dict[str, Any], write: Write, request_for: Make) -> Callable[..., RunRequest]:
    """Make a request for strategy Auto on that backbone, with a test set unless told otherwise."""
    train = write("train", datasets.folder(per_class=8))
    test = write("test", datasets.folder(per_class=4, first=50))

    def make(*, judged: bool = True, **training: Any) -> RunRequest:
        changes = {"test": test} if judged else {}
        settings = {"strategy": "Auto", "fineTuning": TUNING} | training
        return request_for(train, backbone=base, training=settings, **changes)

    return make


def metrics(result: RunResult) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(result.uri.removeprefix("file://"), "metrics.json").read_text())
    return found


def weights(uri: str) -> dict[str, torch.Tensor]:
    return load_file(Path(uri.removeprefix("file://"), "model.safetensors"))


def fine_tuning_wins(*_: Any) -> Choice:
    return Choice("FineTuning", "this test says so", 0.1, 0.9, 0.1)


# -- the choice


def logits(right: list[bool]) -> torch.Tensor:
    return torch.tensor([[1.0, 0.0] if hit else [0.0, 1.0] for hit in right])


@pytest.mark.parametrize(
    ("better", "worse", "same", "chosen"),
    [
        (0, 0, 100, "FeatureExtraction"),
        (1, 0, 99, "FeatureExtraction"),  # one sample may be chance
        (4, 0, 96, "FineTuning"),
        (10, 8, 182, "FeatureExtraction"),
        (20, 8, 172, "FineTuning"),
        (8, 20, 172, "FeatureExtraction"),
    ],
)
def test_what_is_better_by_a_standard_error_of_pairs_is_chosen(better: int, worse: int, same: int, chosen: str) -> None:
    before = logits([False] * better + [True] * worse + [True] * same)
    after = logits([True] * better + [False] * worse + [True] * same)
    choice = choose(before, after, torch.zeros(better + worse + same, dtype=torch.long))
    assert choice.chosen == chosen
    assert choice.tuned is not None and choice.probe is not None  # noqa: PT018
    assert choice.tuned - choice.probe == pytest.approx((better - worse) / (better + worse + same))


@pytest.mark.parametrize(
    ("right", "before", "after", "chosen"),
    [
        ([2.0] * 24, [-2.0] * 6, [-0.2] * 6, "FineTuning"),  # right as often, but less sure of what is wrong
        ([2.0] * 24, [-2.0] * 6, [-4.0] * 6, "FeatureExtraction"),
        ([2.0] * 24, [-2.0] * 6, [-2.0] * 5 + [-0.1], "FeatureExtraction"),  # a single sample may be chance
        ([2.0] * 6, [-2.0], [-0.2], "FeatureExtraction"),  # too few to tell
        ([2.0] * 24, [-2.0] * 6 + [0.1], [-0.2] * 6 + [-0.1], "FeatureExtraction"),  # less sure, but wrong once more
    ],
)
def test_where_accuracy_does_not_tell_how_sure_it_is_decides(
    right: list[float], before: list[float], after: list[float], chosen: str
) -> None:
    first, second = (torch.tensor([[margin, 0.0] for margin in right + rest]) for rest in (before, after))
    assert choose(first, second, torch.zeros(len(first), dtype=torch.long)).chosen == chosen


@pytest.mark.parametrize("surer", [1.0, 10.0])
def test_being_surer_of_everything_alike_is_no_merit(surer: float) -> None:
    scores = torch.randn(30, 3, generator=torch.Generator().manual_seed(0)) + 2 * torch.eye(3).repeat(10, 1)
    classes = torch.arange(3).repeat(10)
    assert choose(scores, surer * scores, classes).chosen == "FeatureExtraction"


def test_little_data_is_passed_over_more_often() -> None:
    epochs = [usual_plan(count, images=False, pretrained=True).settings.epochs for count in (10, 500, 2000, 100_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] <= 30
    assert epochs[-1] >= 3


@pytest.mark.parametrize("count", [1, 15, 17, 48, FEW])
def test_few_images_have_a_recipe_of_their_own(count: int) -> None:
    plan = usual_plan(count, images=True, pretrained=True)
    steps = plan.settings.epochs * steps_per_epoch(count, plan.settings.batch_size)
    assert FEW_STEPS <= steps < FEW_STEPS + steps_per_epoch(count, plan.settings.batch_size)
    assert (plan.recipe.optimizer, plan.recipe.zero_head, plan.again) == ("SGD", True, True)


@pytest.mark.parametrize(
    ("count", "images", "pretrained"), [(FEW + 1, True, True), (48, False, True), (48, True, False)]
)
def test_all_other_data_have_not(count: int, images: bool, pretrained: bool) -> None:
    plan = usual_plan(count, images=images, pretrained=pretrained)
    assert (plan.recipe, plan.again) == (USUAL, False)


# -- runs


def test_a_tie_goes_to_the_probe_which_learns_from_the_validation_samples_too(
    asked: Callable[..., RunRequest], base: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    request = asked()
    result = execute(request, {}, Progress())
    assert result.strategy == "FeatureExtraction"
    assert result.metrics_split == "test"
    told = metrics(result)
    assert told["headline"]["split"] == "test"
    assert set(told["splits"]) == {"test", "leave-one-out", "validation"}
    assert told["splits"]["leave-one-out"]["count"] == result.counts.train
    assert set(told["auto"]["validationAccuracy"]) == {
        "featureExtraction",
        "fineTuning",
        "standardErrorOfDifference",
    }
    assert told["auto"]["chosen"] == "FeatureExtraction"
    assert told["history"] == []
    assert "Epoch 2/2" in capsys.readouterr().out, "fine-tuning was tried"
    mine, its = weights(result.uri), weights(base["base"]["uri"])
    trunk = [name for name in its if not name.startswith("classifier.")]
    assert all(torch.equal(mine[name], its[name]) for name in trunk), "the trunk is as it was loaded"
    # The head is that of all the samples, as FeatureExtraction without a validation set has it.
    other = execute(
        asked(strategy="FeatureExtraction", fineTuning=None).model_copy(update={"run": "1" * 40}), {}, Progress()
    )
    theirs = weights(other.uri)
    head = [name for name in mine if name not in trunk]
    assert head
    for name in head:
        torch.testing.assert_close(mine[name], theirs[name], rtol=1e-3, atol=1e-3)


def test_fine_tuning_that_is_better_is_published(
    asked: Callable[..., RunRequest], base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto, "choose", fine_tuning_wins)
    result = execute(asked(fineTuning=TUNING | {"learningRate": "1e-4"}), {}, Progress(quiet=True))
    assert result.strategy == "FineTuning"
    told = metrics(result)
    assert set(told["splits"]) == {"test", "validation"}
    assert len(told["history"]) == 2
    card = Path(result.uri.removeprefix("file://"), "MODEL_CARD.md").read_text()
    assert "this test says so" in card
    model = json.loads(Path(result.uri.removeprefix("file://"), "model.json").read_text())
    assert model["backbone"]["strategy"] == "FineTuning"


@pytest.fixture
def few(asked: Callable[..., RunRequest], monkeypatch: pytest.MonkeyPatch) -> RunRequest:
    """A request that says nothing of fine-tuning; it is done for few images, in few steps, and chosen."""
    monkeypatch.setattr(auto, "choose", fine_tuning_wins)
    monkeypatch.setattr(usual, "FEW_STEPS", 6)
    return asked(fineTuning=None, checkpointIntervalSeconds=0)


def test_of_few_images_what_is_chosen_learns_again_from_all(few: RunRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[list[str]] = []

    def watched(*rest: Any, everything: Samples, **settings: Any) -> Tuned:
        learned.append(sorted(everything.names))
        return fine_tuned(*rest, everything=everything, **settings)

    monkeypatch.setattr(again, "fine_tuned", watched)
    result = execute(few, {}, Progress(quiet=True))
    assert result.strategy == "FineTuning"
    (names,) = learned
    assert len(set(names)) == len(names) == result.counts.train + result.counts.validation
    told = metrics(result)
    assert set(told["splits"]) == {"test", "validation"}
    assert told["splits"]["validation"]["count"] == result.counts.validation
    card = Path(result.uri.removeprefix("file://"), "MODEL_CARD.md").read_text()
    assert "judged before the network learned once more" in card
    assert "SGD" in card


@pytest.mark.parametrize("ended", ["its time is over", "it diverges"])
def test_where_learning_again_comes_to_nothing_what_was_chosen_is_published(
    few: RunRequest, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    def breaks(context: Context, *_: Any, **__: Any) -> Tuned:
        with torch.no_grad():
            for weight in context.network.parameters():
                weight.fill_(7.0)
        if ended == "it diverges":
            raise RunBroken(Reason.TRAINING_DIVERGED, "The loss was no longer a number.")
        return Tuned((), 0, MAX_DURATION)

    monkeypatch.setattr(again, "fine_tuned", breaks)
    result = execute(few, {}, Progress(quiet=True))
    published = weights(result.uri)
    assert not any(bool((value == 7.0).all()) for value in published.values() if value.numel() > 1)
    assert set(metrics(result)["splits"]) == {"test", "validation"}
    assert result.budget_exceeded == (MAX_DURATION if ended == "its time is over" else None)


def test_without_a_test_set_the_estimate_is_by_leave_one_out(asked: Callable[..., RunRequest]) -> None:
    result = execute(asked(judged=False), {}, Progress(quiet=True))
    assert result.estimated
    assert metrics(result)["headline"]["split"] == "leave-one-out"


def test_what_does_not_fit_into_the_time_is_left_out(asked: Callable[..., RunRequest]) -> None:
    began = time.monotonic()
    limits = Limits({MAX_DURATION: 1e-3}, lambda: time.monotonic() - began)
    result = execute(asked(), {}, Progress(quiet=True), limits=limits)
    assert result.strategy == "FeatureExtraction"
    told = metrics(result)["auto"]
    assert "one epoch would take about" in told["why"]
    assert MAX_DURATION in told["why"]
    assert "fineTuning" not in told["validationAccuracy"]


def test_fine_tuning_that_diverges_leaves_the_probe(asked: Callable[..., RunRequest]) -> None:
    result = execute(asked(fineTuning=TUNING | {"learningRate": "1e30"}), {}, Progress(quiet=True))
    assert result.strategy == "FeatureExtraction"
    assert "diverged" in metrics(result)["auto"]["why"]
    assert float(result.metrics["accuracy"]) > 0.9


class Told(Interruption):
    """Told to end when it is asked for the n-th time."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def told(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("chosen", ["the probe", "fine-tuning", "fine-tuning of few"])
def test_interrupted_anywhere_it_ends_with_the_same_bits(
    asked: Callable[..., RunRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    if chosen != "the probe":
        monkeypatch.setattr(auto, "choose", fine_tuning_wins)
    request = asked(checkpointIntervalSeconds=0)
    if chosen == "fine-tuning of few":
        monkeypatch.setattr(usual, "FEW_STEPS", 3)
        request = asked(checkpointIntervalSeconds=0, fineTuning=None)
    whole = execute(request.model_copy(update={"output_uri": f"file://{tmp_path}/whole"}), {}, Progress(quiet=True))
    kept = {"TRANSFERMODEL_CHECKPOINTS": str(tmp_path / "kept")}
    ended = 0
    for after in (1, 3, 6):
        torch.manual_seed(after)  # another process begins with other random numbers
        try:
            result = execute(request, kept, Progress(quiet=True), limits=Limits({}, time.monotonic, Told(after)))
            break
        except Interrupted:
            ended += 1
    else:
        torch.manual_seed(12345)
        result = execute(request, kept, Progress(quiet=True))
    assert ended >= 2
    assert result.digest == whole.digest
