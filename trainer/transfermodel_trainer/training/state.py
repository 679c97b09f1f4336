"""All that decides what the next epoch does, but for the data: so that an interrupted run ends with the same bits."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.optim import AdamW

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.training.device import Device

MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class TrainingState:
    """Weights, moments, and where the random numbers are."""

    network: Network
    optimizer: AdamW
    generator: Generator
    """Of batches and shifts; Dropout and the like draw from torch's own."""
    device: Device

    def tensors(self) -> dict[str, Tensor]:
        """Return it; weights that do not learn are left out."""
        state = {"random": self.generator.get_state(), "torch random": torch.get_rng_state()}
        if self.device.cuda:
            state["cuda random"] = torch.cuda.get_rng_state()
        for name, buffer in self.network.named_buffers():
            state[f"buffer {name}"] = buffer
        for name, weight in self._learning():
            state[f"weight {name}"] = weight
            for key, value in self.optimizer.state[weight].items():
                state[f"{key} {name}"] = value
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what `tensors` returned."""
        with torch.no_grad():
            for name, buffer in self.network.named_buffers():
                buffer.copy_(state[f"buffer {name}"])
            for name, weight in self._learning():
                weight.copy_(state[f"weight {name}"])
                # The fused step walks weight and moments side by side, so their memory must have one layout.
                self.optimizer.state[weight] = {"step": state[f"step {name}"].to(self.device.torch)} | {
                    key: torch.empty_like(weight).copy_(state[f"{key} {name}"]) for key in MOMENTS
                }
        self.generator.set_state(state["random"])
        torch.set_rng_state(state["torch random"])
        if self.device.cuda:
            torch.cuda.set_rng_state(state["cuda random"])

    def _learning(self) -> list[tuple[str, Tensor]]:
        return [(name, weight) for name, weight in self.network.named_parameters() if weight.requires_grad]
