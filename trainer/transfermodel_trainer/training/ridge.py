"""A linear head in closed form: ridge regression on scaled features, its penalty chosen by leave-one-out.

The few-shot evaluator of google-research/vision (arXiv:2106.04560, and BiT, arXiv:1912.11370) classifies by ridge
regression to one-hot targets; the leave-one-out predictions of all penalties come from one eigendecomposition (PRESS,
Golub, Heath and Wahba 1979). So there is nothing to tune and no sample to hold out. docs/decisions/heads.md says what
else was tried.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from transfermodel_trainer.training.calibration import cross_entropy, fit_temperature
from transfermodel_trainer.training.contents import Contents, contents_of
from transfermodel_trainer.training.linear_head import FittedHead, HeadSettings, LinearHead

PENALTIES = tuple(10.0 ** (exponent / 2) for exponent in range(-8, 9))
"""Multiples of the features' mean squared singular value."""
USUAL_PENALTY, USUAL_TEMPERATURE = 0.1, 0.4
"""Where no class has a second sample to judge by: about what fits real features best (docs/decisions/heads.md)."""
MINIMUM_RESIDUAL_SHARE = 1e-9
MOST_JUDGED = 1 << 21
"""Numbers that penalties are compared by; of more samples than make so many, as many as do are chosen, evenly."""


def fit_ridge(
    features: Tensor,
    classes: Tensor,
    count: int,
    digests: Sequence[str] | None = None,
    settings: HeadSettings | None = None,
) -> FittedHead:
    """Fit the head.

    Every class weighs the same, however many samples it has. Memory beside the features is bounded but for the
    left-out logits, a Gram matrix (D, D) and some megabytes.

    Args:
        features: (V, N, D): V views (1 or 2) of N samples; all views of a sample are left out together.
        classes: (N,) int64.
        count: K, the number of classes.
        digests: of the samples' contents: copies are left out together; None: there are none.
        settings: what a search asks for; None: the usual.
    """
    settings = settings or HeadSettings()
    contents = contents_of(features, classes, count, digests, settings.scaling)
    basis, values = contents.decompose()  # (D, R), (R,)
    correlation = contents.correlation(basis)  # (K, R)
    penalty, temperature, samples, logits = _choose(contents, basis, values, correlation, settings.penalty)
    shrunk = 1 / (values + penalty)
    left_out = torch.empty(len(classes), count)
    if len(samples) == len(classes):
        left_out[samples] = (logits / temperature).float()
    else:
        for part in contents.parts():
            samples, logits = _left_out(contents, part, contents.project(part, basis), shrunk, correlation)
            left_out[samples] = (logits / temperature).float()
    weight = (correlation * shrunk) @ basis.T * contents.scale  # (K, D)
    bias = contents.offset - weight @ contents.mean
    return FittedHead(
        head=LinearHead((weight / temperature).float(), (bias / temperature).float()),
        left_out_logits=left_out,
        settings=settings,
        penalty=penalty,
        factor=penalty / float(values.mean()),
        temperature=temperature,
        accuracy=float((left_out.argmax(1) == classes).double().mean()),
        cross_entropy=cross_entropy(left_out, classes),
    )


def _choose(
    contents: Contents, basis: Tensor, values: Tensor, correlation: Tensor, factor: float | None
) -> tuple[float, float, Tensor, Tensor]:
    """Return the penalty and the temperature that describe left-out samples best; which these are, and their logits.

    A class with one content has nothing left to be known by when that is left out: it has no say. With a factor the
    penalty is that multiple of the mean squared singular value.
    """
    judged = contents.judged(MOST_JUDGED // max(len(contents.offset), len(contents.features) * len(values)))
    usual = float(values.mean())
    if not len(judged):
        return (factor or USUAL_PENALTY) * usual, USUAL_TEMPERATURE, judged, torch.empty(0, len(contents.offset))
    projected = contents.project(judged, basis)
    best: tuple[float, float, float, Tensor, Tensor] | None = None
    for each in PENALTIES if factor is None else (factor,):
        penalty = each * usual
        samples, logits = _left_out(contents, judged, projected, 1 / (values + penalty), correlation)
        temperature = fit_temperature(logits, contents.classes[samples])
        loss = cross_entropy(logits / temperature, contents.classes[samples])
        if best is None or loss < best[0]:
            best = (loss, penalty, temperature, samples, logits)
    assert best is not None  # noqa: S101 - PENALTIES is not empty
    return best[1:]


def _left_out(
    contents: Contents, part: Tensor, projected: Tensor, shrunk: Tensor, correlation: Tensor
) -> tuple[Tensor, Tensor]:
    """Return samples (M,) and what the fit without any view or copy of each says of its first view, (M, K).

    With B the rows of a content, f their fit and t their target, the left-out prediction is
    t - (I - H_BB)^-1 (t - f), H being the hat matrix with intercept; t is the same for all of B.

    Args:
        contents: what was fitted.
        part: (G,) which contents.
        projected: (V, G, R), their rows.
        shrunk: (R,), 1 / (squared singular value + penalty).
        correlation: (K, R).
    """
    rows = projected.transpose(0, 1)  # (G, V, R)
    weights = contents.weights[part]  # (G,)
    hat = weights[:, None, None] * ((rows * shrunk) @ rows.transpose(1, 2) + 1 / contents.total)
    identity = torch.eye(rows.shape[1], dtype=rows.dtype)
    # The ridge on the diagonal only matters where a sample determines its own fit to the last digit.
    first = identity[:, :1].expand(len(part), -1, 1)
    shares = torch.linalg.solve(identity * (1 + MINIMUM_RESIDUAL_SHARE) - hat, first)[..., 0]  # (G, V)
    mixture = (shares[..., None] * rows * shrunk).sum(1)  # (G, R)
    predicted = mixture @ correlation.T + shares.sum(1, keepdim=True) * contents.offset  # (G, K)
    # The target's part: what the copies of a content are called.
    position, samples = contents.members(part)
    own = (1 - shares.sum(1))[position] * contents.sample_weights[samples] / weights[position]
    predicted.index_put_((position, contents.classes[samples]), own, accumulate=True)
    return samples, predicted[position]
