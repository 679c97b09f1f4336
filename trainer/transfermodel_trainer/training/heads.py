"""Fitting a head as it is asked for."""

from collections.abc import Sequence

from torch import Tensor

from transfermodel_trainer.limits import Limits
from transfermodel_trainer.training.linear_head import FittedHead, HeadSettings
from transfermodel_trainer.training.logistic import fit_logistic
from transfermodel_trainer.training.ridge import fit_ridge


def fit_head(
    features: Tensor,
    classes: Tensor,
    count: int,
    digests: Sequence[str] | None,
    settings: HeadSettings,
    limits: Limits | None = None,
) -> FittedHead:
    """Fit a head for `count` classes to features (V, N, D). Raises Interrupted."""
    if settings.method == "logistic":
        return fit_logistic(features, classes, count, digests, settings, limits)
    return fit_ridge(features, classes, count, digests, settings)
