"""What is suggested is a function of what is known; what is hopeless is given up."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from transfermodel_operator.api.spec import FineTuning
from transfermodel_trainer.search.sampling import COMPARED, RANDOM_TRIALS, is_hopeless, suggest
from transfermodel_trainer.search.space import Method, Number, OneOf, Parameters, Space, head_methods, tuning_method
from transfermodel_trainer.search.trials import Trial

TUNING = tuning_method(FineTuning(), (), stages=5, samples=200, pretrained=True, augmented=True)
BOTH = Space((*head_methods(mirrors=True, mirrored=False), TUNING))
Loss = Callable[[str, Parameters], float]


def played(space: Space, count: int, loss: Loss, seed: int = 0, delay: int = 1) -> list[Trial]:
    """Return a search in which trials cost what a function says; each knows those so many before it."""
    trials: list[Trial] = []
    for number in range(count):
        method, settings = suggest(space, trials[: max(0, number - delay + 1)], number, seed)
        trials.append(Trial(number, method, settings, "Complete", loss(method, settings), 0.5))
    return trials


def distance(method: str, settings: Parameters) -> float:
    """Fine-tuning by 4e-3 is best."""
    return abs(float(settings["learningRate"]) - 4e-3) if method == "fineTuning" else 1.0


def test_the_first_trials_are_the_usual_settings() -> None:
    for number, method in enumerate(BOTH.methods):
        assert suggest(BOTH, [], number, seed=9) == (method.name, dict(method.usual))


def test_every_suggestion_lies_in_the_space() -> None:
    for trial in played(BOTH, 40, distance):
        method = BOTH.method(trial.method)
        assert set(trial.parameters) <= set(method.usual) | set(method.searched)
        for name, parameter in method.searched.items():
            value = trial.parameters.get(name, method.usual.get(name))
            if isinstance(parameter, OneOf):
                assert value in parameter.values
            elif value is not None:
                assert isinstance(value, int | float)
                assert parameter.low <= value <= parameter.high


def test_equal_knowledge_gives_equal_suggestions() -> None:
    trials = played(BOTH, 15, distance)
    assert played(BOTH, 15, distance) == trials
    assert played(BOTH, 15, distance, seed=1) != trials
    assert suggest(BOTH, [Trial.of(trial.to_facts()) for trial in trials], 15, 0) == suggest(BOTH, trials, 15, 0)


def test_what_is_good_is_tried_more_often() -> None:
    space = Space((Method("fineTuning", {"learningRate": 1e-3}, {"learningRate": Number(1e-4, 1e-1, True)}),))
    for seed in range(3):
        trials = played(space, 40, distance, seed, delay=4)
        late = [distance(trial.method, trial.parameters) for trial in trials[20:]]
        assert sorted(late)[len(late) // 2] < 4e-3, "half of all random ones lie further off"
        assert min(late) < 1e-3


def test_the_best_kind_of_model_is_tried_more_often() -> None:
    trials = played(BOTH, 40, distance)
    assert sum(trial.method == "fineTuning" for trial in trials[20:]) > 12


def test_failed_trials_teach_nothing_and_disturb_nothing() -> None:
    trials = played(BOTH, 12, distance)
    broken = replace(trials[7], state="Failed", loss=None, cause="it crashed")
    assert suggest(BOTH, [*trials[:7], broken, *trials[8:]], 12, 0) == suggest(BOTH, trials[:7] + trials[8:], 12, 0)


def test_a_usual_setting_outside_of_what_is_searched_does_no_harm() -> None:
    usual = tuning_method(FineTuning(batch_size=512), (), stages=5, samples=5000, pretrained=True, augmented=True)
    outside = Method("fineTuning", dict(usual.usual) | {"weightDecay": 7.0}, usual.searched)
    assert len(played(Space((outside,)), RANDOM_TRIALS + 4, distance)) == RANDOM_TRIALS + 4


def tuned(number: int, *losses: float) -> Trial:
    """Return a trial of fine-tuning with its losses by quarter."""
    return Trial(number, "fineTuning", {}, "Complete", losses[-1], 0.5, dict(enumerate(losses, 1)))


@pytest.mark.parametrize(
    ("steps", "hopeless"),
    [
        ({1: 0.9}, True),
        ({1: 0.4}, False),
        ({1: 0.9, 2: 0.2}, False),
        ({1: 0.9, 2: 0.8}, True),
        ({}, False),
        ({4: 9.0}, False),
    ],
)
def test_worse_than_half_of_the_others_is_hopeless(steps: dict[int, float], hopeless: bool) -> None:
    seen = [tuned(number, 0.5 + 0.01 * number, 0.4, 0.3) for number in range(5)]
    assert is_hopeless(steps, seen) == hopeless


def test_without_enough_others_none_is_hopeless() -> None:
    seen = [tuned(number, 0.5, 0.4, 0.3) for number in range(COMPARED - 1)]
    assert not is_hopeless({1: 9.0}, seen)
    heads = [Trial(number, "ridge", {}, "Complete", 0.1, 0.9) for number in range(20)]
    assert not is_hopeless({1: 9.0}, seen + heads), "a head is no other that is as far"
    assert is_hopeless({1: 9.0}, [*seen, tuned(9, 0.5, 0.4, 0.3)])
