"""How good the head is when it learns from fewer samples: whether more data would help.

Only where the features are there already; then a point costs one closed-form fit.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from transfermodel_trainer.evaluation.summary import CurvePoint
from transfermodel_trainer.training.linear_head import HeadSettings
from transfermodel_trainer.training.ridge import PENALTIES, fit_ridge

REPETITIONS, REPETITIONS_OF_FEW = 3, 5
FEW = 5
"""Up to so many samples of each class chance decides most: such points are repeated more often."""
MOST_WORK = 3e10
"""Multiplications in all, a few seconds: counted, not timed, so that equal runs draw equal curves."""
CALIBRATION_WORK = 300
"""Of one penalty, per sample and class."""
DECOMPOSITION_WORK = 10
"""Of eigenvectors, times the cube of the matrix's side."""


def samples_curve(
    features: Tensor,
    classes: Tensor,
    count: int,
    judged: tuple[Tensor, Tensor] | None,
    whole: float,
    seed: int,
    settings: HeadSettings | None = None,
) -> tuple[CurvePoint, ...]:
    """Return the accuracy by samples per class, ascending; empty where there is nothing to compare.

    A class with fewer samples than a point asks for gives all that it has.

    Args:
        features: (V, N, D), what the head was fitted on.
        classes: (N,) int64.
        count: K, the number of classes.
        judged: features (M, D) and classes (M,) to judge by; None: the training samples that were not drawn.
        whole: accuracy of the head that was fitted on all samples, the last point.
        seed: of the draws.
        settings: of the head; logistic regression takes too long.
    """
    settings = settings or HeadSettings()
    if settings.method != "ridge":
        return ()
    each = round(len(classes) / count)
    work, points = 0.0, []
    # What was not drawn must be enough to judge by.
    for size in sizes(each if judged is not None else each // 2 + 1):
        repetitions = REPETITIONS_OF_FEW if size <= FEW else REPETITIONS
        work += repetitions * work_of(features.shape, size * count, count, 0 if judged is None else len(judged[1]))
        if work > MOST_WORK:
            break
        found = []
        for repetition in range(repetitions):
            drawn = draw(classes, size, np.random.default_rng([seed, size, repetition]))
            head = fit_ridge(features[:, drawn], classes[drawn], count, None, settings).head
            inputs, truth = judged if judged is not None else (features[0, ~drawn], classes[~drawn])
            predicted = head(inputs).argmax(1)
            found.append(float((predicted == truth).double().mean()))
        points.append(CurvePoint(size, sum(found) / len(found), min(found), max(found)))
    return (*points, CurvePoint(each, whole, whole, whole)) if points else ()


def sizes(end: int) -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20, 50, … below `end`."""
    power = 1
    while power < end:
        yield from (power * digit for digit in (1, 2, 5) if power * digit < end)
        power *= 10


def draw(classes: Tensor, size: int, random: np.random.Generator) -> Tensor:
    """Return which samples (N,) are drawn: `size` of each class, or all that it has."""
    drawn = torch.zeros(len(classes), dtype=torch.bool)
    for label in classes.unique().tolist():
        members = (classes == label).nonzero().flatten().numpy()
        drawn[random.choice(members, min(size, len(members)), replace=False)] = True
    return drawn


def work_of(shape: tuple[int, ...], samples: int, count: int, judged: int) -> float:
    """Return roughly how many multiplications one point costs: views x samples rows of D features, K classes."""
    views, _, width = shape
    rows = views * samples
    rank = min(rows, width)
    return (
        rows * width * rank
        + DECOMPOSITION_WORK * rank**3
        + len(PENALTIES) * rows * count * (2 * rank + CALIBRATION_WORK)
        + judged * width * count
    )
