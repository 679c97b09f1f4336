"""What is searched, what stays as the user wrote it, and how what is tried reaches head and fine-tuning."""

from typing import Any

import pytest
from transfermodel_operator.api.spec import FineTuning
from transfermodel_trainer.search.space import (
    Method,
    Number,
    OneOf,
    head_methods,
    head_settings,
    simpler,
    tuning_method,
    tuning_settings,
)
from transfermodel_trainer.training.linear_head import HeadSettings
from transfermodel_trainer.training.recipe import Recipe


def method(usual: FineTuning | None = None, fixed: tuple[str, ...] = (), **changes: Any) -> Method:
    """Return what fine-tuning a pretrained trunk of five stages on 200 images varies."""
    facts = {"stages": 5, "samples": 200, "pretrained": True, "augmented": True} | changes
    return tuning_method(usual or FineTuning(), fixed, **facts)


def test_the_usual_settings_are_those_of_a_run_without_a_search() -> None:
    assert head_settings("ridge", head_methods(mirrors=True, mirrored=False)[0].settings({})) == HeadSettings()
    usual = FineTuning(unfreeze="All", epochs=7, learning_rate="6e-3", batch_size=16)
    tuning, recipe = tuning_settings(method(usual).settings({}))
    assert recipe == Recipe()
    assert (tuning.unfreeze, tuning.epochs, tuning.batch_size) == ("All", 7, 16)
    assert float(tuning.learning_rate) == 6e-3
    two = FineTuning(stages=2)
    assert tuning_settings(method(two).settings({}))[0].stages == 2


def test_what_the_user_wrote_is_not_searched() -> None:
    everything = {"unfreeze", "epochs", "learningRate", "batchSize"}
    rest = {"trunkRate", "stageDecay", "weightDecay", "labelSmoothing", "augmentation"}
    assert set(method().searched) == everything | rest
    assert set(method(fixed=("epochs", "learningRate")).searched) == {"unfreeze", "batchSize"} | rest
    assert set(method(fixed=("batchSize", "epochs", "learningRate", "stages")).searched) == rest
    assert "unfreeze" not in method(FineTuning(unfreeze="All"), fixed=("unfreeze",)).searched
    last = method(fixed=("unfreeze",)).searched["unfreeze"]
    assert last == OneOf(("1", "2", "3")), "of the last stages the number alone is open"


def test_it_fits_what_is_trained() -> None:
    assert method().searched["unfreeze"] == OneOf(("1", "2", "3", "All"))
    assert method(stages=2).searched["unfreeze"] == OneOf(("1", "All"))
    scratch = method(FineTuning(unfreeze="All"), pretrained=False).searched
    assert not {"unfreeze", "trunkRate", "stageDecay"} & set(scratch)
    assert "augmentation" not in method(augmented=False).searched
    assert method(samples=20).searched["batchSize"] == OneOf((8, 16, 32))
    assert method(samples=5000).searched["batchSize"] == OneOf((8, 16, 32, 64, 128))
    assert method(FineTuning(epochs=1000)).searched["epochs"] == Number(500, 1000, logarithmic=True, whole=True)


def test_views_are_searched_where_there_are_some() -> None:
    for mirrors in (False, True):
        for each in head_methods(mirrors=mirrors, mirrored=False):
            assert ("views" in each.searched) == mirrors
    assert head_methods(mirrors=True, mirrored=True)[0].usual["views"] == "mirrored"


@pytest.mark.parametrize(
    ("number", "value", "rounded"),
    [
        (Number(1e-4, 1e-2), 0.00123456, 0.00123),
        (Number(0.1234, 1), 0.1231, 0.1234),
        (Number(2, 9, whole=True), 4.6, 5),
        (Number(2, 9, whole=True), 40.0, 9),
    ],
)
def test_values_can_be_written_down_and_stay_within_their_bounds(number: Number, value: float, rounded: float) -> None:
    assert number.rounded(value) == rounded


def test_a_learning_rate_that_is_tried_can_be_written_into_a_file() -> None:
    for value in (1e-6, 0.00123, 1.5, 10.0):
        tuning, _ = tuning_settings(method().settings({}) | {"learningRate": value})
        assert float(FineTuning.model_validate(tuning.to_wire()).learning_rate) == value


def test_less_learning_is_simpler() -> None:
    ridge, logistic = (each.settings({}) for each in head_methods(mirrors=True, mirrored=False))
    usual = method().settings({})
    assert simpler("ridge", ridge, "logistic", logistic)
    assert simpler("ridge", ridge, "ridge", ridge | {"views": "mirrored"})
    assert simpler("logistic", logistic, "fineTuning", usual)
    assert simpler("fineTuning", usual, "fineTuning", usual | {"unfreeze": "All", "epochs": 1})
    assert simpler("fineTuning", usual | {"epochs": 3}, "fineTuning", usual)
    assert not simpler("fineTuning", usual, "fineTuning", usual)
