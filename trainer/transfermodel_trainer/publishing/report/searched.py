"""What a search tried, how good each trial was, and which settings mattered."""

from collections.abc import Sequence
from typing import Final

from transfermodel_trainer.publishing.report.charts import Figure, Series, Table, line_chart
from transfermodel_trainer.publishing.report.svg import Axis, count_axis, decade_axis, linear_axis
from transfermodel_trainer.publishing.report.text import percent
from transfermodel_trainer.search.importance import importance
from transfermodel_trainer.search.trials import History, Trial

MOST_ROWS: Final = 50
WIDE: Final = 20.0
"""A range whose end is so many times its beginning is drawn by decades."""
THIRDS: Final = ("best third", "middle third", "worst third")
DASH: Final = "\N{EN DASH}"


def figures(history: History | None) -> tuple[Figure, ...]:
    """Return the pictures of a search; none without one."""
    if history is None:
        return ()
    settings = _settings(history)
    return (_scores(history), settings) if settings else (_scores(history),)


def _scores(history: History) -> Figure:
    judged = [trial for trial in history.trials if trial.loss is not None]
    best, first = history.best, history.first
    least, so_far = float("inf"), []
    for trial in judged:
        least = min(least, trial.loss or 0.0)
        so_far.append((float(trial.number + 1), least))
    series = [
        Series("trials", tuple((trial.number + 1, trial.loss or 0.0) for trial in judged), joined=False),
        Series("least so far", tuple(so_far)),
        Series("published", ((best.number + 1, best.loss or 0.0),), joined=False),
    ]
    caption = (
        f"Trial {best.number + 1} of {len(history.trials)} is published: cross entropy {best.loss or 0:.3f} on "
        f"{history.judged_by}, accuracy {percent(best.accuracy or 0)}."
    )
    if best is not first and first.loss is not None:
        caption += f" The usual settings came to {first.loss:.3f} and {percent(first.accuracy or 0)}."
    axis = _axis([trial.loss or 0.0 for trial in judged], "", from_zero=True)
    x = count_axis(range(1, len(history.trials) + 1), "trial")
    shown = sorted(history.trials, key=lambda trial: (trial.loss is None, trial.loss or 0.0))[:MOST_ROWS]
    rows = tuple(_row(trial) for trial in sorted(shown, key=lambda trial: trial.number))
    return Figure(
        line_chart("search", "Cross entropy by trial", caption, x, axis, series),
        caption,
        Table(("trial", "method", "ended", "cross entropy", "accuracy"), rows),
        "The best of the trials; metrics.json has all." if len(rows) < len(history.trials) else "",
    )


def _row(trial: Trial) -> tuple[str, ...]:
    loss = DASH if trial.loss is None else f"{trial.loss:.4f}"
    accuracy = DASH if trial.accuracy is None else percent(trial.accuracy)
    return str(trial.number + 1), trial.method, trial.state.lower(), loss, accuracy


def _settings(history: History) -> Figure | None:
    """Return the published method's trials by the two settings that matter most; None where that cannot be told."""
    method = history.best.method
    trials = [trial for trial in history.trials if trial.method == method and trial.loss is not None]
    shares = importance(trials)
    numbers = [name for name in shares if all(isinstance(trial.parameters[name], int | float) for trial in trials)]
    if len(numbers) < 2:
        return None
    across, up = numbers[:2]
    ranked = sorted(trials, key=lambda trial: trial.loss or 0.0)
    series = [
        Series(label, tuple(_place(trial, across, up) for trial in part), joined=False)
        for label, part in zip(THIRDS, _thirds(ranked), strict=True)
    ]
    caption = (
        f"Of the settings of {method}, {across} (left to right) and {up} (upwards) go most with the result: "
        f"{percent(shares[across], 0)} and {percent(shares[up], 0)} of the trials' order. Published: "
        f"{history.best.parameters[across]} and {history.best.parameters[up]}."
    )
    x = _axis([_place(trial, across, up)[0] for trial in trials], across)
    y = _axis([_place(trial, across, up)[1] for trial in trials], "")
    rows = tuple((name, percent(share, 0), str(history.best.parameters[name])) for name, share in shares.items())
    return Figure(
        line_chart("settings", "Trials by the settings that matter most", caption, x, y, series),
        caption,
        Table(("setting", "share of the trials' order", "published"), rows),
    )


def _place(trial: Trial, across: str, up: str) -> tuple[float, float]:
    return float(trial.parameters[across]), float(trial.parameters[up])


def _thirds(trials: Sequence[Trial]) -> list[Sequence[Trial]]:
    first, second = -(-len(trials) // 3), -(-2 * len(trials) // 3)
    return [trials[:first], trials[first:second], trials[second:]]


def _axis(values: Sequence[float], label: str, *, from_zero: bool = False) -> Axis:
    low, high = min(values), max(values)
    if low > 0 and high > WIDE * low:
        return decade_axis(low, high, label)
    return linear_axis(0 if from_zero else low, high, label)
