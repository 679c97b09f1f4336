"""All that decides what the next step does, but for the data: so that an interrupted run ends with the same bits.

The order of the data, augmentation and Dropout are drawn from seed and step anew: there are no generators to keep.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim import AdamW

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.training.device import Device

MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass
class TrainingState:
    """Weights and moments, and the best weights so far."""

    network: Network
    optimizer: AdamW
    device: Device
    loss: Tensor
    """Sum over the samples of the present epoch so far."""
    best: dict[str, Tensor] = field(default_factory=dict)
    """By name; empty where nothing was judged."""

    def tensors(self) -> dict[str, Tensor]:
        """Return it; weights that do not learn are left out."""
        state = {"loss": self.loss}
        for name, tensor in self._learning().items():
            state[f"weight {name}"] = tensor
            for key, value in self.optimizer.state.get(tensor, {}).items():
                state[f"{key} {name}"] = value
        return state | {f"best {name}": tensor for name, tensor in self.best.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what `tensors` returned."""
        self.loss.copy_(state["loss"])
        self._copy({name: state[f"weight {name}"] for name in self._learning()})
        for name, weight in self._learning().items():
            if f"step {name}" in state:
                # The fused step walks weight and moments side by side, so their memory must have one layout.
                self.optimizer.state[weight] = {"step": state[f"step {name}"].to(self.device.torch)} | {
                    key: torch.empty_like(weight).copy_(state[f"{key} {name}"]) for key in MOMENTS
                }
        self.best = {name.removeprefix("best "): tensor for name, tensor in state.items() if name.startswith("best ")}

    def keep_as_best(self) -> None:
        """Remember the weights as they are."""
        self.best = {name: tensor.detach().clone() for name, tensor in self._learning().items()}

    def restore_best(self) -> None:
        """Go back to the best weights, if any were kept."""
        if self.best:
            self._copy(self.best)

    def _copy(self, tensors: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in self._learning().items():
                tensor.copy_(tensors[name])

    def _learning(self) -> dict[str, Tensor]:
        """Return what training changes, by name: weights, and the statistics of normalisations."""
        weights = {name: weight for name, weight in self.network.named_parameters() if weight.requires_grad}
        return weights | dict(self.network.named_buffers())
