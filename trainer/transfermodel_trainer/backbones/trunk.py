"""What a backbone is to the rest of the trainer, and what a library of backbones must tell of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

import torch
from torch import Tensor, nn

from transfermodel_trainer.backbones.pretrained import Named, Pretrained

BATCH_FREE: Final[Mapping[int, str]] = {0: "batch"}

Stages = list[list[nn.Module]]


@dataclass(frozen=True)
class Trunk:
    """An architecture without its classifier, as its library builds it: with random weights."""

    name: str
    """<library>/<architecture>."""
    module: nn.Module
    """The network's arguments -> features, (N, D) or (N, D, 1, 1)."""
    weights: nn.Module
    """That part of the module whose tensors have the library's own names."""
    width: int
    """D."""
    stages: Stages
    """In the order of computation."""
    classifier: str
    """What the library calls the classifier, which the head is stored as."""
    left_out: tuple[str, ...]
    """How the names of tensors begin that a file of weights may hold and the trunk has no use for."""
    size: int
    """Height and width of an input in pixels, or bands and frames; of texts the most tokens."""
    example: Callable[[int], tuple[Tensor, ...]]
    """A number of samples without content -> the network's arguments."""
    sizes: str = ""
    """What sizes there may be, for sentences."""
    free_axes: Mapping[int, str] = field(default_factory=lambda: BATCH_FREE)
    """Of the arguments: those of any length, with a name for each."""
    own_names: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict
    """Tensors of a file -> those that may be the trunk's, by its names."""


def of_images(
    name: str,
    module: nn.Module,
    width: int,
    stages: Stages,
    classifier: str,
    left_out: tuple[str, ...],
    size: int,
    sizes: str = "",
    channels: int = 3,
) -> Trunk:
    """Return a trunk of images (N, C, size, size)."""
    return Trunk(
        name=name,
        module=module,
        weights=module,
        width=width,
        stages=stages,
        classifier=classifier,
        left_out=left_out,
        size=size,
        example=lambda count: (torch.zeros(count, channels, size, size),),
        sizes=sizes,
    )


class Library(Protocol):
    """A library of architectures: an entry of the registry."""

    modality: Literal["Image", "Text"]
    """What its architectures take."""

    def architecture(self, name: str) -> str:
        """Return an architecture's name in the library. Raises UnknownBackbone, with the nearest names."""

    def named(self, architecture: str, weights: str, cache: Path) -> Named:
        """Look up weights by name. Raises WeightsUnavailable, with the names that there are."""

    def stored(self, uri: str, environment: Mapping[str, str], folder: Path, cache: Path) -> Pretrained:
        """Fetch the weights below a URI. Raises a RunError."""

    def build(self, architecture: str, size: int, files: Mapping[str, bytes]) -> Trunk:
        """Return the architecture, for inputs of this size where it cares. Raises InvalidSpec."""
