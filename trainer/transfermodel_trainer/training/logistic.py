"""A linear head by logistic regression, with a penalty on its weights; judged and calibrated on folds.

L-BFGS works in the features' own directions, each divided by its spread and the penalty, where the loss is about round:
so some dozen steps do. What ridge regression gets from a formula costs five more fits here.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from transfermodel_trainer.limits import Limits
from transfermodel_trainer.training.calibration import cross_entropy, fit_temperature
from transfermodel_trainer.training.contents import Contents, contents_of
from transfermodel_trainer.training.lbfgs import minimise
from transfermodel_trainer.training.linear_head import FittedHead, HeadSettings, LinearHead

FOLDS: Final = 5
ITERATIONS: Final = 100
PRECISION: Final = 1e-7
"""Of the loss: steps that gain less end the fit."""
USUAL_FACTOR: Final = 0.01
"""The penalty where none is asked for."""


def fit_logistic(
    features: Tensor,
    classes: Tensor,
    count: int,
    digests: Sequence[str] | None,
    settings: HeadSettings,
    limits: Limits | None = None,
) -> FittedHead:
    """Fit the head.

    Args:
        features: (V, N, D): V views (1 or 2) of N samples; all views and copies of a content are in one fold.
        classes: (N,) int64; every class weighs the same.
        count: K, the number of classes.
        digests: of the samples' contents; None: there are no copies.
        settings: penalty and scaling.
        limits: asked at every step whether to end.

    Raises:
        Interrupted: the process was told to end.
    """
    limits = limits or Limits.none()
    contents = contents_of(features, classes, count, digests, settings.scaling)
    basis, values = contents.decompose()  # (D, R), (R,)
    usual = float(values.mean())
    factor = USUAL_FACTOR if settings.penalty is None else settings.penalty
    penalty = factor * usual
    rows = contents.project(torch.arange(contents.features.shape[1]), basis)  # (V, G, R)
    place = torch.empty(len(classes), dtype=torch.long)
    position, members = contents.members(torch.arange(rows.shape[1]))
    place[members] = position
    # The penalty is one of all samples: with fewer the data weighs less against it, as in the whole fit.
    stretch = (contents.total / (values + penalty)).sqrt()  # (R,)
    weights = contents.sample_weights / contents.total

    def fit(chosen: Tensor) -> tuple[Tensor, Tensor]:
        return _fit(rows[:, place[chosen]], classes[chosen], count, weights[chosen], stretch, penalty, contents, limits)

    left_out = torch.zeros(len(classes), count, dtype=torch.float64)
    fold = folds(contents, place, count)
    for number in range(int(fold.max()) + 1):
        held = fold == number
        weight, bias = fit(~held)
        left_out[held] = rows[0, place[held]] @ weight.T + bias
    temperature = fit_temperature(left_out, classes)
    weight, bias = fit(torch.ones(len(classes), dtype=torch.bool))
    whole = weight @ basis.T * contents.scale  # (K, D)
    offset = bias - whole @ contents.mean
    logits = (left_out / temperature).float()
    return FittedHead(
        head=LinearHead((whole / temperature).float(), (offset / temperature).float()),
        left_out_logits=logits,
        settings=settings,
        penalty=penalty,
        factor=factor,
        temperature=temperature,
        accuracy=float((logits.argmax(1) == classes).double().mean()),
        cross_entropy=cross_entropy(logits, classes),
    )


def folds(contents: Contents, place: Tensor, count: int) -> Tensor:
    """Return the fold of each sample (N,), 0 to at most 4: classes are dealt out evenly, copies lie together.

    Args:
        contents: of the samples.
        place: (N,) which content each sample has.
        count: K.
    """
    first = torch.zeros(len(contents.weights), dtype=torch.long)
    first[place.flip(0)] = contents.classes.flip(0)  # of copies with different classes: the first one's
    order = torch.argsort(first, stable=True)
    fold = torch.empty(len(order), dtype=torch.long)
    fold[order] = torch.arange(len(order)) % min(FOLDS, max(2, len(order)))
    return fold[place]


def _fit(
    rows: Tensor,
    classes: Tensor,
    count: int,
    weights: Tensor,
    stretch: Tensor,
    penalty: float,
    contents: Contents,
    limits: Limits,
) -> tuple[Tensor, Tensor]:
    """Return weight (K, R) and bias (K,) for rows (V, M, R) of samples that weigh `weights` (M,)."""
    views = len(rows)
    inputs = (rows * stretch).flatten(0, 1)
    targets, importance = classes.repeat(views), weights.repeat(views)
    decay = penalty / contents.total * stretch.square()
    width = inputs.shape[1]
    ones = torch.nn.functional.one_hot(targets, count).double()

    def loss(place: Tensor) -> tuple[float, Tensor]:
        limits.check()
        weight, bias = place[: count * width].view(count, width), place[count * width :]
        logits = inputs @ weight.T + bias
        total = logits.logsumexp(1)
        value = ((total - (logits * ones).sum(1)) * importance).sum() + 0.5 * (decay * weight.square()).sum()
        excess = ((logits - total[:, None]).exp() - ones) * importance[:, None]
        return float(value), torch.cat([(excess.T @ inputs + decay * weight).flatten(), excess.sum(0)])

    place = minimise(loss, torch.zeros(count * (width + 1), dtype=torch.float64), ITERATIONS, PRECISION)
    return place[: count * width].view(count, width) * stretch, place[count * width :]
