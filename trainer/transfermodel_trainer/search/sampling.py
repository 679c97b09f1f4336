"""Which settings are tried next, and which trials are not worth finishing: Optuna's tree-structured Parzen estimator.

Nothing is remembered here: a suggestion is a function of the seed, the trial's number and the trials before it. So a
search that was interrupted goes on as if it had not been, and needs no more than the list of its trials.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from transfermodel_trainer.search.space import FINE_TUNING, OneOf, Parameter, Parameters, Space, Value
from transfermodel_trainer.search.trials import Trial
from transfermodel_trainer.training.batches import mixed

METHOD: Final = "method"
RANDOM_TRIALS: Final = 5
"""Until so many are known, settings are drawn at random."""
COMPARED: Final = 4
"""So many trials must have come as far before one is compared with them."""


def suggest(space: Space, seen: Sequence[Trial], number: int, seed: int) -> tuple[str, Parameters]:
    """Return method and settings of a trial.

    Args:
        space: what there is to choose from.
        seen: the trials that it may know.
        number: of the trial; the first are the usual settings of each method.
        seed: of the run.
    """
    if number < len(space.methods):
        usual = space.methods[number]
        return usual.name, usual.settings({})
    with _quiet():
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=RANDOM_TRIALS, multivariate=True, group=True, seed=mixed(seed, "search", number)
        )
        study = optuna.create_study(sampler=sampler)
        study.add_trials(list(_frozen(space, seen)))
        asked = study.ask()
        names = [method.name for method in space.methods]
        method = space.method(asked.suggest_categorical(METHOD, names) if len(names) > 1 else names[0])
        chosen: Parameters = {}
        for name, parameter in method.searched.items():
            chosen[name] = _asked(asked, f"{method.name} {name}", parameter)
    return method.name, method.settings(chosen)


def is_hopeless(steps: dict[int, float], seen: Sequence[Trial]) -> bool:
    """Tell whether a trial of fine-tuning is not worth finishing: worse than the median of others as far as it is.

    Args:
        steps: its losses so far, by quarter.
        seen: the trials that it may know.
    """
    others = [trial for trial in seen if trial.method == FINE_TUNING and trial.steps]
    with _quiet():
        study = optuna.create_study()
        study.add_trials([_optuna(trial) for trial in others])
        present = create_trial(state=TrialState.RUNNING, intermediate_values=steps)
        return optuna.pruners.MedianPruner(n_startup_trials=COMPARED, n_min_trials=COMPARED).prune(study, present)


def _frozen(space: Space, seen: Sequence[Trial]) -> Iterator[FrozenTrial]:
    """Yield what came of trials; those that failed tell nothing of how good their settings are."""
    for trial in seen:
        if trial.loss is None and not trial.steps:
            continue
        method = space.method(trial.method)
        values: Parameters = {METHOD: trial.method} if len(space.methods) > 1 else {}
        kinds: dict[str, BaseDistribution] = {}
        if values:
            kinds[METHOD] = CategoricalDistribution([each.name for each in space.methods])
        for name, parameter in method.searched.items():
            if (value := _within(parameter, trial.parameters.get(name))) is not None:
                values[f"{method.name} {name}"] = value
                kinds[f"{method.name} {name}"] = _distribution(parameter)
        yield _optuna(trial, params=values, distributions=kinds)


def _optuna(trial: Trial, **settings: Any) -> FrozenTrial:
    """Return what came of a trial as Optuna has it; of one without a model its last loss."""
    return create_trial(
        state=TrialState.PRUNED if trial.state == "Pruned" else TrialState.COMPLETE,
        value=trial.loss if trial.loss is not None else list(trial.steps.values())[-1],
        intermediate_values=trial.steps,
        **settings,
    )


def _within(parameter: Parameter, value: Value | None) -> Value | None:
    """Return a value that the search could have tried, or None: the usual settings may lie outside."""
    if isinstance(parameter, OneOf):
        return value if value in parameter.values else None
    return value if isinstance(value, int | float) and parameter.low <= value <= parameter.high else None


def _asked(trial: optuna.Trial, name: str, parameter: Parameter) -> Value:
    if isinstance(parameter, OneOf):
        return cast(Value, trial.suggest_categorical(name, parameter.values))
    if parameter.whole:
        return trial.suggest_int(name, int(parameter.low), int(parameter.high), log=parameter.logarithmic)
    return parameter.rounded(trial.suggest_float(name, parameter.low, parameter.high, log=parameter.logarithmic))


def _distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, OneOf):
        return CategoricalDistribution(parameter.values)
    if parameter.whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.logarithmic)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.logarithmic)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's remarks on each trial, and on options that may still change, out of the log."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
