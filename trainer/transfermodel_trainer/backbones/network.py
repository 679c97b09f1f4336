"""A network in two parts: a trunk that turns samples into features, and one linear head."""

from typing import cast

import torch
from torch import Tensor, nn
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones.trunk import Stages, Trunk
from transfermodel_trainer.errors import RunError


class Network(nn.Module):
    """logits = head(trunk(*arguments))."""

    def __init__(self, trunk: Trunk, classes: int) -> None:
        """Put a head for K classes on the trunk."""
        super().__init__()
        self.name, self.size, self.width, self.sizes = trunk.name, trunk.size, trunk.width, trunk.sizes
        self.free_axes = trunk.free_axes
        self.trunk = trunk.module
        self.head = nn.Linear(trunk.width, classes)
        nn.init.zeros_(self.head.bias)
        self._trunk = trunk

    @property
    def stages(self) -> Stages:
        """The trunk's parts in the order of computation."""
        return self._trunk.stages

    def example(self, count: int) -> tuple[Tensor, ...]:
        """Return arguments for a few samples without content, on the CPU."""
        return self._trunk.example(count)

    def features(self, *arguments: Tensor) -> Tensor:
        """Return (N, D)."""
        return cast(Tensor, self.trunk(*arguments)).flatten(1)

    def forward(self, *arguments: Tensor) -> Tensor:
        """Return logits (N, K)."""
        return cast(Tensor, self.head(self.features(*arguments)))

    def of_trunk(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of a file but those of classifiers and auxiliary heads, by the trunk's own names."""
        return {
            key: value
            for key, value in self._trunk.own_names(state).items()
            if not key.startswith(self._trunk.left_out)
        }

    def library_weights(self) -> nn.Module:
        """Return the part of the trunk whose tensors have the library's own names."""
        return self._trunk.weights

    def library_state(self) -> dict[str, Tensor]:
        """Return all weights under the library's own names, on the CPU."""
        head = self.head.state_dict(prefix=f"{self._trunk.classifier}.")
        state = self._trunk.weights.state_dict() | head
        return {key: value.detach().cpu().contiguous() for key, value in state.items()}

    def check_input(self) -> None:
        """Raise InvalidSpec unless the trunk can take a sample of its size."""
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                self(*self.example(1))
        except (RuntimeError, AssertionError, ValueError, IndexError) as error:
            raise RunError(
                Reason.INVALID_SPEC,
                f"spec.backbone.input.size {self.size} does not suit {self.name} "
                f"({(str(error).splitlines() or ['it fails'])[0]}): {self.sizes}.",
            ) from error
        finally:
            self.train(training)


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of a module's state, in the processor's memory, to be loaded again."""
    return {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}
