"""Which settings the result of a trial depends on."""

from collections.abc import Sequence

from transfermodel_trainer.search.space import Value
from transfermodel_trainer.search.trials import Trial

GROUPS = 3
"""Numbers are compared by low, middle and high ones: the best may well lie in the middle."""
LEAST_TRIALS = 6


def importance(trials: Sequence[Trial]) -> dict[str, float]:
    """Return how much of the trials' order goes with each setting, 0 to 1, the most important first.

    It is the correlation ratio of the trials' ranks, adjusted for the number of groups (epsilon squared, Kelley 1935);
    empty where there are too few trials to tell.

    Args:
        trials: of one method, with a loss each.
    """
    if len(trials) < LEAST_TRIALS:
        return {}
    order = sorted(range(len(trials)), key=lambda index: trials[index].loss or 0.0)
    ranks = [0.0] * len(trials)
    for rank, index in enumerate(order):
        ranks[index] = float(rank)
    found = {}
    for name in trials[0].parameters:
        values = [trial.parameters[name] for trial in trials if name in trial.parameters]
        if len(values) == len(trials) and len(set(values)) > 1:
            found[name] = _explained(_groups(values), ranks)
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


def _groups(values: Sequence[Value]) -> list[int]:
    """Return the group of each value: one of three for numbers, one of its own for anything else."""
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    if len(distinct) <= GROUPS or any(isinstance(value, str) for value in distinct):
        return [distinct.index(value) for value in values]
    order = sorted(range(len(values)), key=lambda index: float(values[index]))
    groups = [0] * len(values)
    for place, index in enumerate(order):
        groups[index] = place * GROUPS // len(values)
    return groups


def _explained(groups: Sequence[int], ranks: Sequence[float]) -> float:
    count, kinds = len(ranks), len(set(groups))
    mean = sum(ranks) / count
    within = 0.0
    for group in set(groups):
        members = [rank for rank, own in zip(ranks, groups, strict=True) if own == group]
        centre = sum(members) / len(members)
        within += sum((rank - centre) ** 2 for rank in members)
    total = sum((rank - mean) ** 2 for rank in ranks)
    return 0.0 if kinds >= count else max(0.0, 1 - within / total * (count - 1) / (count - kinds))
