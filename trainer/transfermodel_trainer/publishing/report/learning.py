"""What happened while it learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.charts import Figure, Series, Table, line_chart
from transfermodel_trainer.publishing.report.searched import figures as searched_figures
from transfermodel_trainer.publishing.report.svg import Axis, accuracy_axis, count_axis, decade_axis, linear_axis
from transfermodel_trainer.publishing.report.text import percent
from transfermodel_trainer.training.finetuning import Epoch

MOST_ROWS = 50
OUTLIER = 10.0
"""A loss that is so many times the median cannot share an axis from 0 with the others."""


@dataclass(frozen=True)
class Learning:
    """The section's content; no figures where the head was solved for at once."""

    figures: tuple[Figure, ...]
    notes: dict[str, str]


def view(record: RunRecord) -> Learning:
    """Return the curves over the epochs, and the trials of a search."""
    history = record.learned.history
    figures = (_loss(history), _accuracy(history), _rate(history)) if history else ()
    searched = searched_figures(record.learned.search)
    return Learning((*(figure for figure in figures if figure), *searched), record.learned.notes)


def _loss(history: Sequence[Epoch]) -> Figure:
    training = Series("training", tuple((number, epoch.loss) for number, epoch in enumerate(history, 1)))
    validation = _known("validation", history, lambda epoch: epoch.validation_loss)
    series = [training, validation] if validation.points else [training]
    fell = "fell" if history[-1].loss < history[0].loss else "went"
    caption = f"Training loss {fell} from {history[0].loss:.3f} to {history[-1].loss:.3f} nats."
    if len(history) == 1:
        caption = f"Training loss was {history[0].loss:.3f} nats in the only epoch."
    if validation.points:
        best, lowest = min(validation.points, key=lambda point: point[1])
        caption += f" Validation loss was lowest after epoch {best:.0f}: {lowest:.3f}."
    axis = _losses([value for line in series for _, value in line.points])
    if axis.logarithmic:
        caption += " The axis is logarithmic."
    return Figure(
        line_chart("loss", "Loss by epoch", caption, _epochs(history), axis, series),
        caption,
        _table(history, ("training loss", "validation loss"), lambda e: (e.loss, e.validation_loss), "{:.4f}".format),
        _note(history),
    )


def _losses(values: Sequence[float]) -> Axis:
    """Return an axis from 0, or a logarithmic one where a single epoch would press all others to the ground."""
    if max(values) > OUTLIER * median(values) and min(values) > 0:
        return decade_axis(min(values), max(values), "")
    return linear_axis(0, max(values), "")


def _accuracy(history: Sequence[Epoch]) -> Figure | None:
    line = _known("validation", history, lambda epoch: epoch.validation_accuracy)
    if not line.points:
        return None
    best, highest = max(line.points, key=lambda point: (point[1], -point[0]))
    caption = (
        f"Validation accuracy was {percent(line.points[-1][1])} at the end; highest after epoch {best:.0f}: "
        f"{percent(highest)}."
    )
    axis = accuracy_axis(min(value for _, value in line.points))
    return Figure(
        line_chart("accuracy", "Validation accuracy by epoch", caption, _epochs(history), axis, [line]),
        caption,
        _table(history, ("validation accuracy",), lambda epoch: (epoch.validation_accuracy,), percent),
        _note(history),
    )


def _rate(history: Sequence[Epoch]) -> Figure:
    line = Series("learning rate", tuple((number, epoch.learning_rate) for number, epoch in enumerate(history, 1)))
    highest = max(value for _, value in line.points)
    caption = f"Learning rate at the end of each epoch; at most {highest:.2g}."
    return Figure(
        line_chart("rate", "Learning rate by epoch", caption, _epochs(history), linear_axis(0, highest, ""), [line]),
        caption,
        _table(history, ("learning rate",), lambda epoch: (epoch.learning_rate,), "{:.3g}".format),
        _note(history),
    )


def _epochs(history: Sequence[Epoch]) -> Axis:
    return count_axis(range(1, len(history) + 1), "epoch")


def _known(label: str, history: Sequence[Epoch], value: Callable[[Epoch], float | None]) -> Series:
    values = [(number, value(epoch)) for number, epoch in enumerate(history, 1)]
    return Series(label, tuple((number, known) for number, known in values if known is not None))


def _table(
    history: Sequence[Epoch],
    names: tuple[str, ...],
    values: Callable[[Epoch], tuple[float | None, ...]],
    text: Callable[[float], str],
) -> Table:
    """Return some of the epochs, the last among them, with the values that are known."""
    every = -(-len(history) // MOST_ROWS)
    rows = [
        (str(number), *("\N{EN DASH}" if value is None else text(value) for value in values(epoch)))
        for number, epoch in enumerate(history, 1)
        if (len(history) - number) % every == 0
    ]
    return Table(("epoch", *names), tuple(rows))


def _note(history: Sequence[Epoch]) -> str:
    return "Some of the epochs; metrics.json has all." if len(history) > MOST_ROWS else ""
