"""All that decides what the next step does, but for the data: so that an interrupted run ends with the same bits.

The order of the data, augmentation and Dropout are drawn from seed and step anew: there are no generators to keep.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim import Optimizer

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.training.device import Device

MOMENTS = ("exp_avg", "exp_avg_sq", "momentum_buffer")
"""What optimisers keep of the shape of a weight; `step` is a number."""
BEST = "best weight "


@dataclass
class TrainingState:
    """Weights and moments, and the best weights so far."""

    network: Network
    optimizer: Optimizer
    device: Device
    loss: Tensor
    """Sum over the samples of the present epoch so far."""
    best: dict[str, Tensor] = field(default_factory=dict)
    """By name; empty where nothing was judged."""
    best_losses: Tensor | None = None
    """Of the best weights, for each judged sample, (M,); None where nothing was judged."""
    last_losses: Tensor | None = None
    """Of the weights that were judged last."""

    def tensors(self) -> dict[str, Tensor]:
        """Return it; weights that do not learn are left out."""
        state = {"loss": self.loss}
        for name, tensor in self._learning().items():
            state[f"weight {name}"] = tensor
            for key, value in self.optimizer.state.get(tensor, {}).items():
                state[f"{key} {name}"] = value
        if self.best_losses is not None and self.last_losses is not None:
            state |= {"best losses": self.best_losses, "last losses": self.last_losses}
        return state | {f"{BEST}{name}": tensor for name, tensor in self.best.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what `tensors` returned."""
        self.loss.copy_(state["loss"])
        self._copy({name: state[f"weight {name}"] for name in self._learning()})
        for name, weight in self._learning().items():
            # The fused step walks weight and moments side by side, so their memory must have one layout.
            kept = {
                key: torch.empty_like(weight).copy_(state[f"{key} {name}"])
                for key in MOMENTS
                if f"{key} {name}" in state
            }
            if f"step {name}" in state:
                kept["step"] = state[f"step {name}"].to(self.device.torch)
            if kept:
                self.optimizer.state[weight] = kept
        self.best = {name.removeprefix(BEST): state[name] for name in state if name.startswith(BEST)}
        self.best_losses, self.last_losses = state.get("best losses"), state.get("last losses")

    def judged(self, losses: Tensor) -> bool:
        """Take the losses of each judged sample (M,); remember the weights if they are the best; tell whether so."""
        self.last_losses = losses
        if self.best_losses is not None and losses.mean() >= self.best_losses.mean():
            return False
        self.best = {name: tensor.detach().clone() for name, tensor in self._learning().items()}
        self.best_losses = losses.clone()  # a checkpoint cannot hold one tensor by two names
        return True

    def is_behind(self, *, errors: float = 1.0) -> bool:
        """Tell whether the last weights are worse than the best by more than so many standard errors of the difference.

        The best of several by a few samples was lucky.
        """
        if self.best_losses is None or self.last_losses is None:
            return False
        worse = self.last_losses - self.best_losses
        return bool(worse.mean() > errors * worse.std(correction=0) / len(worse) ** 0.5)

    def settle(self, *, complete: bool) -> bool:
        """Go back to the best weights if the last are behind; tell whether so.

        The last ones of a complete schedule are what it leads to; those of one that was cut short are any.
        """
        if not self.is_behind(errors=1.0 if complete else 0.0):
            return False
        self._copy(self.best)
        return True

    def _copy(self, tensors: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in self._learning().items():
                tensor.copy_(tensors[name])

    def _learning(self) -> dict[str, Tensor]:
        """Return what training changes, by name: weights, and the statistics of normalisations."""
        weights = {name: weight for name, weight in self.network.named_parameters() if weight.requires_grad}
        return weights | dict(self.network.named_buffers())
