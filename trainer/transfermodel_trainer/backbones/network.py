"""A network in two parts: a trunk that turns images into features, and one linear head."""

from collections.abc import Mapping
from typing import Final, cast

import torch
from torch import Tensor, nn
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones import registry
from transfermodel_trainer.errors import RunError

BATCH_FREE: Final[Mapping[int, str]] = {0: "batch"}


class Network(nn.Module):
    """logits = head(trunk(images)).

    Works for every classification architecture of torchvision: its last Linear (SqueezeNet: last Conv2d) is the
    classifier; it is taken out of the trunk and its place remembered, so that the state dict keeps torchvision's names.
    """

    def __init__(self, name: str, size: int, classes: int) -> None:
        """Build the architecture with random weights.

        Args:
            name: of torchvision, such as resnet18.
            size: height and width of the input, in pixels.
            classes: K.
        """
        super().__init__()
        trunk = registry.build(name, size)
        self.classifier_name, width = _take_classifier(trunk)
        self.name, self.size, self.width = name, size, width
        self.trunk = trunk
        self.head = nn.Linear(width, classes)
        nn.init.zeros_(self.head.bias)

    free_axes: Mapping[int, str] = BATCH_FREE
    """Of its arguments, with names: what the exported graph leaves open."""

    def example(self, count: int) -> tuple[Tensor, ...]:
        """Return arguments for a few samples without content."""
        return (torch.zeros(count, 3, self.size, self.size),)

    def features(self, images: Tensor) -> Tensor:
        """Return (N, D) for images (N, 3, H, W)."""
        return cast(Tensor, self.trunk(images)).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, K) for images (N, 3, H, W)."""
        return cast(Tensor, self.head(self.features(images)))

    def is_classifier(self, key: str) -> bool:
        """Tell whether a key of a torchvision state dict belongs to the classifier or an auxiliary head."""
        return key.startswith((f"{self.classifier_name}.", "aux1.", "aux2.", "AuxLogits."))

    def torchvision_state(self) -> dict[str, Tensor]:
        """Return all weights under torchvision's own names, as float32 on the CPU."""
        head = self.head.state_dict(prefix=f"{self.classifier_name}.")
        return {key: value.detach().cpu().contiguous() for key, value in (self.trunk.state_dict() | head).items()}

    def check_input(self) -> None:
        """Raise InvalidSpec unless the trunk can take an image of its size."""
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                self(*self.example(1))
        except (RuntimeError, AssertionError, ValueError) as error:
            raise RunError(
                Reason.INVALID_SPEC,
                f"spec.backbone.input.size {self.size} does not suit torchvision/{self.name} "
                f"({str(error).splitlines()[0]}): "
                f"its least size is {registry.minimum_size(self.name)}, its own {registry.native_size(self.name)}.",
            ) from error
        finally:
            self.train(training)


def _take_classifier(model: nn.Module) -> tuple[str, int]:
    """Replace the classifier by something without weights; return its name and the number of features D."""
    name, classifier = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)][-1]
    path, _, last = name.rpartition(".")
    parent = model.get_submodule(path)
    if isinstance(classifier, nn.Linear):
        setattr(parent, last, nn.Identity())
        return name, classifier.in_features
    # SqueezeNet classifies each place, then averages; features are averaged first, so that the head is linear.
    model.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return name, classifier.in_channels
