"""A linear head: how it is to be fitted, and what fitting it came to."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from transfermodel_trainer.backbones.network import Network

Method = Literal["ridge", "logistic"]
Scaling = Literal["spread", "deviation", "none"]
"""What each feature is divided by: its deviation plus the mean deviation of all, its deviation, or nothing."""


@dataclass(frozen=True)
class HeadSettings:
    """How a head is fitted; the defaults are those of a run without a search (docs/decisions/heads.md)."""

    method: Method = "ridge"
    """Ridge regression to one-hot targets, or logistic regression."""
    scaling: Scaling = "spread"
    penalty: float | None = None
    """A multiple of the features' mean squared singular value; None: the best by leave-one-out."""


@dataclass(frozen=True)
class LinearHead:
    """logits = features @ weight.T + bias, calibrated."""

    weight: Tensor  # (K, D) float32
    bias: Tensor  # (K,) float32

    def __call__(self, features: Tensor) -> Tensor:
        """Return logits (N, K) for features (N, D)."""
        return features @ self.weight.T + self.bias

    def put_on(self, network: Network) -> None:
        """Make it the network's head."""
        with torch.no_grad():
            network.head.weight.copy_(self.weight)
            network.head.bias.copy_(self.bias)


@dataclass(frozen=True)
class FittedHead:
    """A fitted head, and what it says of each training sample when that sample is left out."""

    head: LinearHead
    left_out_logits: Tensor  # (N, K) float32, of the first view of each sample
    settings: HeadSettings
    """As they were asked for."""
    penalty: float
    """What was taken, absolutely."""
    factor: float
    """The same as a multiple of the features' mean squared singular value."""
    temperature: float
    accuracy: float
    """Leave-one-out, of the training samples; of logistic regression by folds."""
    cross_entropy: float
    """The same, in nats."""

    def described(self) -> str:
        """Return what it is, for people."""
        if self.settings.method == "logistic":
            kind, judged = "logistic regression", "by the search"
        else:
            kind = "ridge regression"
            judged = "by leave-one-out" if self.settings.penalty is None else "by the search"
        scaled = {
            "spread": "",
            "deviation": ", each feature divided by its deviation",
            "none": ", features as they are",
        }
        return (
            f"{kind}, penalty {self.penalty:.4g} chosen {judged}, every class weighing the same"
            f"{scaled[self.settings.scaling]}"
        )
