"""Which classes are taken for which."""

from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.text import percent

LARGEST_MATRIX = 40
"""With more classes only those are shown that are confused most."""
SHOWN_OF_MANY = 30
MOST_PAIRS = 10
SHADES = (0.05, 0.15, 0.35, 0.7)
"""Upper ends, as a part of the row, of the first four of five shades."""
OTHERS = "all others"


@dataclass(frozen=True)
class Cell:
    """One number of the matrix."""

    count: int
    share: str
    """Of the row."""
    kind: str
    """CSS class: empty, rest, or right or wrong with a shade 1 to 5."""


@dataclass(frozen=True)
class Pair:
    """A class that is taken for another."""

    truth: str
    predicted: str
    count: int
    of: int
    """Samples that truly are of the class."""


@dataclass(frozen=True)
class Confusion:
    """The section's content."""

    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    pairs: tuple[Pair, ...]
    classes: int
    shown: int
    mistakes: int
    long_names: bool
    """Column headings are turned, so that they need no more room than their numbers."""


def view(record: RunRecord) -> Confusion:
    """Return the matrix, or that of the classes with most mistakes, and the most frequent mistakes."""
    metrics = record.learned.headline.metrics
    labels = tuple(entry.label for entry in metrics.classes)
    matrix = np.array(metrics.confusion, dtype=np.int64)
    wrong = matrix - np.diag(np.diag(matrix))
    shown, names, count = matrix, labels, len(labels)
    if count > LARGEST_MATRIX:
        # Sorted is stable: of equal classes the first are shown, whatever the machine.
        involved = (wrong.sum(0) + wrong.sum(1)).tolist()
        chosen = sorted(sorted(range(len(labels)), key=lambda number: -involved[number])[:SHOWN_OF_MANY])
        shown, names, count = _with_others(matrix, chosen), (*(labels[n] for n in chosen), OTHERS), SHOWN_OF_MANY
    return Confusion(
        labels=names,
        rows=tuple(
            (name, tuple(_cell(value, max(1, sum(row)), at, column, count) for column, value in enumerate(row)))
            for at, (name, row) in enumerate(zip(names, shown.tolist(), strict=True))
        ),
        pairs=pairs(matrix, labels)[:MOST_PAIRS],
        classes=len(labels),
        shown=count,
        mistakes=int(wrong.sum()),
        long_names=len(names) > 4 and max(len(name) for name in names) > 3,
    )


def pairs(matrix: NDArray[np.int64], labels: tuple[str, ...]) -> tuple[Pair, ...]:
    """Return the pairs that were confused at all, the most frequent first."""
    truths, predictions = np.nonzero(matrix)
    found = [
        (-int(matrix[truth, predicted]), int(truth), int(predicted))
        for truth, predicted in zip(truths.tolist(), predictions.tolist(), strict=True)
        if truth != predicted
    ]
    totals = matrix.sum(1).tolist()
    return tuple(
        Pair(labels[truth], labels[predicted], -count, totals[truth])
        for count, truth, predicted in sorted(found, key=itemgetter(0, 1, 2))
    )


def _with_others(matrix: NDArray[np.int64], chosen: list[int]) -> NDArray[np.int64]:
    """Return the chosen rows and columns, and one more of each for the sum of the rest."""
    others = np.setdiff1d(np.arange(len(matrix)), chosen)
    rows = np.vstack([matrix[chosen], matrix[others].sum(0)])
    return np.hstack([rows[:, chosen], rows[:, others].sum(1, keepdims=True)])


def _cell(count: int, total: int, row: int, column: int, classes: int) -> Cell:
    share = count / total
    if not count:
        return Cell(0, percent(0, 0), "empty")
    if row == column == classes:
        return Cell(count, percent(share, 0), "rest")  # all others taken for all others: right and wrong ones
    shade = 1 + sum(share > end for end in SHADES)
    return Cell(count, percent(share, 0), f"{'right' if row == column else 'wrong'} shade-{shade}")
