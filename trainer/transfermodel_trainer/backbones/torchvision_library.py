"""torchvision's classification models.

Their last Linear (SqueezeNet: last Conv2d) is the classifier; it is taken out, and its place remembered, so that a
state dict keeps torchvision's names.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.transforms import InterpolationMode
from transfermodel_operator.api import Reason
from transfermodel_predictor.artifact.description import ImagePreprocessing

from transfermodel_trainer.backbones import hub, stored, trunk
from transfermodel_trainer.backbones.names import nearest
from transfermodel_trainer.backbones.pretrained import Named, Pretrained
from transfermodel_trainer.backbones.stages import walk
from transfermodel_trainer.backbones.trunk import Trunk
from transfermodel_trainer.errors import RunError, listed

NAME: Final = "torchvision"
FIXED_SIZE_OPTIONS: Final = {"vit_": "image_size", "maxvit_": "input_size"}
"""Architectures whose parameters depend on the input's size, and the builder's option for it."""
AUXILIARY: Final = ("aux1.", "aux2.", "AuxLogits.")
"""Heads that only help training from scratch."""
# The ImageNet weights of these two expect pixels in -1..1; torchvision converts inside the model (transform_input).
# We say so in the preprocessing instead, so that the graph holds the architecture alone.
SYMMETRIC: Final = ("googlenet", "inception_v3")
INTERPOLATIONS: Final[Mapping[InterpolationMode, Literal["bilinear", "bicubic", "nearest"]]] = {
    InterpolationMode.BILINEAR: "bilinear",
    InterpolationMode.BICUBIC: "bicubic",
    InterpolationMode.NEAREST: "nearest",
}
MEGABYTE: Final = 1_000_000


def names() -> list[str]:
    """Return the names of all classification architectures."""
    return sorted(torchvision.models.list_models(module=torchvision.models))


class Torchvision:
    """Its entry in the registry."""

    modality: Literal["Image", "Text"] = "Image"

    def architecture(self, name: str) -> str:
        """Return the name. Raises UnknownBackbone, with the nearest ones."""
        if name in names():
            return name
        raise RunError(
            Reason.UNKNOWN_BACKBONE,
            f"spec.backbone.name {NAME}/{name} is not a classification model of torchvision: "
            f"{nearest(NAME, name, names())}.",
        )

    def named(self, architecture: str, weights: str, cache: Path) -> Named:
        """Look up torchvision's own weights."""
        entry = named_weights(architecture, weights)
        converted = cache / f"{architecture}-{entry.name}.safetensors"
        return Named(
            reference=entry.name,
            origin=entry.url,
            bytes=round(entry.meta["_file_size"] * MEGABYTE),
            cached=converted.exists(),
            preprocessing=of_named_weights(entry, architecture),
            fetch=partial(_fetch, entry, architecture, converted),
        )

    def stored(self, uri: str, environment: Mapping[str, str], folder: Path, cache: Path) -> Pretrained:
        """Fetch a .safetensors file."""
        return stored.file_of_weights(uri, environment, folder, cache)

    def build(self, architecture: str, size: int, files: Mapping[str, bytes]) -> Trunk:
        """Return the architecture, made for inputs of `size` pixels where it cares."""
        module = build(architecture, size)
        classifier, width = _take_classifier(module)
        return trunk.of_images(
            f"{NAME}/{architecture}",
            module,
            width,
            walk(module),
            classifier,
            (f"{classifier}.", *AUXILIARY),
            size,
            f"its least size is {minimum_size(architecture)}, its own {native_size(architecture)}",
        )


def build(name: str, size: int, classes: int = 1000) -> nn.Module:
    """Return torchvision's model with random weights and its classifier.

    Raises:
        RunError: InvalidSpec when it cannot be made for that size.
    """
    options: dict[str, Any] = {"num_classes": classes}
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": True}
    for prefix, option in FIXED_SIZE_OPTIONS.items():
        if name.startswith(prefix):
            options[option] = size if option == "image_size" else (size, size)
    try:
        model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    except (ValueError, AssertionError, RuntimeError) as error:
        raise RunError(
            Reason.INVALID_SPEC,
            f"spec.backbone.input.size {size} does not suit {NAME}/{name} "
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


def named_weights(name: str, weights: str) -> torchvision.models.WeightsEnum:
    """Return torchvision's entry for the weights of an architecture.

    Raises:
        RunError: WeightsUnavailable, with the names that there are.
    """
    entries = torchvision.models.get_model_weights(name)
    if weights not in entries.__members__:
        known = list(entries.__members__)
        raise RunError(
            Reason.WEIGHTS_UNAVAILABLE,
            f"spec.backbone.weights.name {weights} does not exist for {NAME}/{name}: it has {listed(known, 12)}.",
        )
    return entries[weights]


def of_named_weights(entry: torchvision.models.WeightsEnum, name: str) -> ImagePreprocessing:
    """Return the transforms that the weights were evaluated with."""
    transforms = entry.transforms()
    symmetric = name in SYMMETRIC
    return ImagePreprocessing(
        size=transforms.crop_size[0],
        resize="ShortestSide",
        resize_to=transforms.resize_size[0],
        interpolation=INTERPOLATIONS[transforms.interpolation],
        mean=(0.5, 0.5, 0.5) if symmetric else tuple(transforms.mean),
        std=(0.5, 0.5, 0.5) if symmetric else tuple(transforms.std),
    )


def _fetch(entry: torchvision.models.WeightsEnum, name: str, converted: Path) -> Pretrained:
    """Return torchvision's weights as a safetensors file, from the cache or downloaded and converted once."""
    if not converted.exists():
        what = f"The weights {entry.name} of {NAME}/{name}"
        with hub.unavailable(what, entry.url):
            hub.reach(entry.url)
            state = entry.get_state_dict(
                progress=False, check_hash=True, weights_only=True, model_dir=str(converted.parent), map_location="cpu"
            )
        temporary = converted.with_suffix(".partial")
        save_file({key: value.contiguous() for key, value in state.items()}, temporary)
        temporary.replace(converted)
        (converted.parent / entry.url.rsplit("/", 1)[-1]).unlink(missing_ok=True)
    return Pretrained(converted, entry.name, stored.sha256_of(converted), of_named_weights(entry, name))


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
