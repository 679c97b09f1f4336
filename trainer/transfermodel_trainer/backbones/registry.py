"""torchvision's classification models by name."""

import difflib
from typing import Any

import torchvision
from torch import nn
from transfermodel_operator.api import Reason

from transfermodel_trainer.errors import RunError

LIBRARY = "torchvision"
FIXED_SIZE_OPTIONS = {"vit_": "image_size", "maxvit_": "input_size"}
"""Architectures whose parameters depend on the input's size, and the builder's option for it."""


def names() -> list[str]:
    """Return the names of all classification architectures."""
    return sorted(torchvision.models.list_models(module=torchvision.models))


def architecture(backbone: str) -> str:
    """Return the architecture's name in torchvision.

    Raises:
        RunError: UnknownBackbone, with the nearest names.
    """
    library, _, name = backbone.partition("/")
    if library == LIBRARY and name in names():
        return name
    nearest = difflib.get_close_matches(name or library, names(), n=4, cutoff=0.5)
    # difflib scores a mistyped number no higher than another family: the same letters count first.
    letters = (name or library).rstrip("0123456789_")
    nearest = list(dict.fromkeys([*(n for n in names() if letters and n.startswith(letters)), *nearest]))[:6]
    hint = (
        f"the nearest names are {', '.join(f'{LIBRARY}/{n}' for n in nearest)}" if nearest else "see torchvision's list"
    )
    raise RunError(
        Reason.UNKNOWN_BACKBONE,
        f"spec.backbone.name {backbone} is not a classification model of torchvision: {hint}.",
    )


def build(name: str, size: int, classes: int = 1000) -> nn.Module:
    """Return the architecture with random weights, made for inputs of `size` pixels where it cares.

    Raises:
        RunError: InvalidSpec when it cannot be made for that size.
    """
    options: dict[str, Any] = {"num_classes": classes}
    if name in ("googlenet", "inception_v3"):
        # The auxiliary heads only help training from scratch; their weights are dropped.
        options |= {"aux_logits": False, "init_weights": True}
    for prefix, option in FIXED_SIZE_OPTIONS.items():
        if name.startswith(prefix):
            options[option] = size if option == "image_size" else (size, size)
    try:
        model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    except (ValueError, AssertionError, RuntimeError) as error:
        raise RunError(
            Reason.INVALID_SPEC,
            f"spec.backbone.input.size {size} does not suit {LIBRARY}/{name} "
            f"({str(error).strip() or 'not a multiple of its patches'}): "
            f"its own size is {native_size(name)}.",
        ) from error
    return model


def native_size(name: str) -> int:
    """Return the input size in pixels that torchvision's best weights were trained for."""
    size: int = torchvision.models.get_model_weights(name).DEFAULT.transforms().crop_size[0]
    return size


def minimum_size(name: str) -> int:
    """Return the least input size in pixels, as torchvision states it."""
    sizes: tuple[int, int] = torchvision.models.get_model_weights(name).DEFAULT.meta["min_size"]
    return max(sizes)
