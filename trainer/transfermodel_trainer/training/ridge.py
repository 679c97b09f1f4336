"""A linear head in closed form: ridge regression on standardised features, its penalty chosen by leave-one-out.

The few-shot evaluator of google-research/vision (arXiv:2106.04560, and BiT, arXiv:1912.11370) classifies by ridge
regression to one-hot targets; the leave-one-out residuals of all penalties come from one eigendecomposition (PRESS,
Golub, Heath and Wahba 1979). So there is nothing to tune and no sample to hold out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from transfermodel_trainer.training.calibration import cross_entropy, fit_temperature

PENALTIES = tuple(10.0 ** (exponent / 2) for exponent in range(-8, 9))
"""Multiples of the features' mean squared singular value."""
MINIMUM_DEVIATION = 1e-6
MINIMUM_RESIDUAL_SHARE = 1e-6


@dataclass(frozen=True)
class LinearHead:
    """logits = features @ weight.T + bias, calibrated."""

    weight: Tensor  # (K, D) float32
    bias: Tensor  # (K,) float32


@dataclass(frozen=True)
class Ridge:
    """A fitted head, and what it says of each training sample when that sample is left out."""

    head: LinearHead
    left_out_logits: Tensor  # (N, K) float32, of the first view of each sample
    penalty: float
    temperature: float
    accuracy: float
    """Leave-one-out, of the training samples."""
    cross_entropy: float
    """The same, in nats."""


def fit_ridge(features: Tensor, classes: Tensor, count: int) -> Ridge:
    """Fit the head.

    Args:
        features: (V, N, D): V views (1 or 2) of N samples; all views of a sample are left out together.
        classes: (N,) int64.
        count: K, the number of classes.
    """
    views, samples, width = features.shape
    rows = features.reshape(views * samples, width).double()
    mean = rows.mean(0)
    deviation = rows.std(0, correction=0)
    constant = deviation < MINIMUM_DEVIATION * deviation.max().clamp_min(MINIMUM_DEVIATION)
    scale = torch.where(constant, torch.zeros_like(deviation), 1 / torch.where(constant, 1.0, deviation))
    standard = (rows - mean) * scale  # (VN, D)
    targets = torch.nn.functional.one_hot(classes, count).double().repeat(views, 1)  # (VN, K)
    offset = targets.mean(0)
    centred = targets - offset

    projected, basis, values = _decompose(standard)  # (VN, R), (D, R), (R,)
    if not len(values):  # every feature is constant: all that can be learned is how frequent each class is
        projected, basis = standard.new_zeros(len(rows), 1), standard.new_zeros(width, 1)
        values = standard.new_ones(1)
    correlation = projected.T @ centred  # (R, K)
    best: tuple[float, float, Tensor, float] | None = None
    for factor in PENALTIES:
        penalty = factor * float(values.mean())
        shrunk = 1 / (values + penalty)
        fitted = (projected * shrunk) @ correlation  # (VN, K)
        left_out = _left_out(projected, shrunk, centred, fitted, views) + offset  # (N, K)
        temperature = fit_temperature(left_out, classes)
        loss = cross_entropy(left_out / temperature, classes)
        if best is None or loss < best[0]:
            best = (loss, penalty, left_out, temperature)
    assert best is not None  # noqa: S101 - PENALTIES is not empty
    loss, penalty, left_out, temperature = best
    standard_weight = basis @ ((1 / (values + penalty))[:, None] * correlation)  # (D, K)
    weight = (standard_weight * scale[:, None]).T  # (K, D)
    bias = offset - weight @ mean
    return Ridge(
        head=LinearHead((weight / temperature).float(), (bias / temperature).float()),
        left_out_logits=(left_out / temperature).float(),
        penalty=penalty,
        temperature=temperature,
        accuracy=float((left_out.argmax(1) == classes).double().mean()),
        cross_entropy=loss,
    )


def _decompose(standard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return X V, V and the squared singular values of X (N, D), from the smaller of its two Gram matrices."""
    samples, width = standard.shape
    if samples >= width:
        values, basis = torch.linalg.eigh(standard.T @ standard)
        values, basis = _significant(values, basis)
        return standard @ basis, basis, values
    values, left = torch.linalg.eigh(standard @ standard.T)
    values, left = _significant(values, left)
    return left * values.sqrt(), standard.T @ (left / values.sqrt()), values


def _significant(values: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    kept = values > values.max().clamp_min(0) * 1e-10
    return values[kept], vectors[:, kept]


def _left_out(projected: Tensor, shrunk: Tensor, targets: Tensor, fitted: Tensor, views: int) -> Tensor:
    """Return the prediction (N, K) for the first view of each sample by the fit without any of its views.

    With B the sample's rows: left-out residual = (I - H_BB)^-1 (residual of B), H the hat matrix with intercept.
    """
    rows = len(targets)
    samples = rows // views
    residual = (targets - fitted).reshape(views, samples, -1).transpose(0, 1)  # (N, V, K)
    grouped = projected.reshape(views, samples, -1).transpose(0, 1)  # (N, V, R)
    hat = (grouped * shrunk) @ grouped.transpose(1, 2) + 1 / rows  # (N, V, V)
    identity = torch.eye(views, dtype=hat.dtype, device=hat.device)
    # The ridge on the diagonal only matters where a sample determines its own fit to the last digit.
    share = identity * (1 + MINIMUM_RESIDUAL_SHARE) - hat
    left_out: Tensor = targets.reshape(views, samples, -1).transpose(0, 1) - torch.linalg.solve(share, residual)
    return left_out[:, 0]
