"""timm's classification models: architectures by name, weights as safetensors from the Hugging Face hub or a URI."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import timm
from timm.models import PretrainedCfg
from torch import nn
from transfermodel_operator.api import Reason
from transfermodel_predictor.artifact.description import ImagePreprocessing

from transfermodel_trainer.backbones import hub, stored, trunk
from transfermodel_trainer.backbones.names import nearest
from transfermodel_trainer.backbones.pretrained import Named, Pretrained
from transfermodel_trainer.backbones.stages import walk
from transfermodel_trainer.backbones.trunk import Trunk
from transfermodel_trainer.errors import RunError, listed

NAME: Final = "timm"
BEST: Final = "DEFAULT"
WEIGHTS_FILE: Final = "model.safetensors"
REVISION: Final = "main"
INTERPOLATIONS: Final[Mapping[str, Literal["bilinear", "bicubic", "nearest"]]] = {
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "nearest": "nearest",
}


class Timm:
    """Its entry in the registry."""

    modality: Literal["Image", "Text"] = "Image"

    def architecture(self, name: str) -> str:
        """Return the name. Raises UnknownBackbone, with the nearest ones."""
        plain, _, tag = name.partition(".")
        if not timm.is_model(plain):
            raise RunError(
                Reason.UNKNOWN_BACKBONE,
                f"spec.backbone.name {NAME}/{name} is not a model of timm {timm.__version__}: "
                f"{nearest(NAME, plain, timm.list_models())}.",
            )
        if tag:
            raise RunError(
                Reason.UNKNOWN_BACKBONE,
                f"spec.backbone.name {NAME}/{name}: the part after the point names weights: use name {NAME}/{plain} "
                f"with weights {{name: {tag}}}.",
            )
        return plain

    def named(self, architecture: str, weights: str, cache: Path) -> Named:
        """Look up weights by timm's tag for them; DEFAULT: timm's own choice."""
        tags = [name.partition(".")[2] for name in timm.list_pretrained(f"{architecture}.*")]
        if weights != BEST and weights not in tags:
            raise RunError(
                Reason.WEIGHTS_UNAVAILABLE,
                f"spec.backbone.weights.name {weights} does not exist for {NAME}/{architecture}: "
                f"it has {listed([BEST, *tags], 12) if tags else 'none'}.",
            )
        found = timm.get_pretrained_cfg(architecture if weights == BEST else f"{architecture}.{weights}")
        if found is None or not found.hf_hub_id:
            raise RunError(
                Reason.WEIGHTS_UNAVAILABLE,
                f"spec.backbone.weights.name {weights}: timm has no .safetensors file of {NAME}/{architecture}: set "
                "another name, or weights.uri.",
            )
        repository = str(found.hf_hub_id)
        return Named(
            reference=str(found.tag),
            origin=f"https://huggingface.co/{repository}",
            bytes=None,
            cached=hub.cached(repository, REVISION, (WEIGHTS_FILE,), cache) is not None,
            preprocessing=of_configuration(found),
            fetch=partial(_fetch, found, architecture, cache),
        )

    def stored(self, uri: str, environment: Mapping[str, str], folder: Path, cache: Path) -> Pretrained:
        """Fetch a .safetensors file."""
        return stored.file_of_weights(uri, environment, folder, cache)

    def build(self, architecture: str, size: int, files: Mapping[str, bytes]) -> Trunk:
        """Return the architecture, made for inputs of `size` pixels where it cares."""
        configuration = _configuration(architecture)
        channels, native, _ = configuration.input_size
        sizes = f"its own size is {native}"
        if configuration.min_input_size:
            sizes = f"its least size is {configuration.min_input_size[-1]}, its own {native}"
        module, left_out = _create(architecture, size, configuration, sizes)
        return trunk.of_images(
            f"{NAME}/{architecture}",
            module,
            int(getattr(module, "head_hidden_size", 0) or module.num_features),  # type: ignore[arg-type]
            walk(module),
            _classifier(configuration),
            left_out,
            size,
            sizes,
            channels,
        )


def of_configuration(configuration: PretrainedCfg) -> ImagePreprocessing:
    """Return the transforms that weights were evaluated with."""
    size = configuration.input_size[-1]
    exact = configuration.crop_mode == "squash"
    scaled = round(size / configuration.crop_pct)
    return ImagePreprocessing(
        size=size,
        resize="Exact" if exact else "ShortestSide",
        resize_to=None if exact or scaled <= size else scaled,
        interpolation=INTERPOLATIONS.get(configuration.interpolation, "bicubic"),
        mean=_three(configuration.mean),
        std=_three(configuration.std),
    )


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    red, green, blue = values if len(values) == 3 else (values[0],) * 3
    return (float(red), float(green), float(blue))


def _configuration(architecture: str) -> PretrainedCfg:
    found = timm.get_pretrained_cfg(architecture)
    if found is None:
        raise RunError(
            Reason.UNKNOWN_BACKBONE,
            f"spec.backbone.name {NAME}/{architecture}: timm says nothing of its input; use another architecture.",
        )
    return found


def _create(
    architecture: str, size: int, configuration: PretrainedCfg, sizes: str
) -> tuple[nn.Module, tuple[str, ...]]:
    """Return the model without its classifier, and the names of the classifier's tensors."""
    options: dict[str, Any] = {}
    if configuration.fixed_input_size and size != configuration.input_size[-1]:
        options["img_size"] = size
    try:
        module: Any = timm.create_model(architecture, pretrained=False, num_classes=1, **options)
    except (ValueError, AssertionError, RuntimeError, TypeError) as error:
        raise RunError(
            Reason.INVALID_SPEC,
            f"spec.backbone.input.size {size} does not suit {NAME}/{architecture} "
            f"({(str(error).strip().splitlines() or ['it fails'])[0]}): {sizes}.",
        ) from error
    whole = set(module.state_dict())
    # timm takes out more than the last layer where more belongs to it, such as a normalisation or a second classifier.
    module.reset_classifier(0)
    return module, tuple(sorted(whole - set(module.state_dict())))


def _classifier(configuration: PretrainedCfg) -> str:
    """Return what timm calls the classifier; distilled models have two."""
    named = configuration.classifier or "head"
    return named if isinstance(named, str) else str(named[0])


def _fetch(configuration: PretrainedCfg, architecture: str, cache: Path) -> Pretrained:
    what = f"The weights {configuration.tag} of {NAME}/{architecture}"
    folder = hub.fetch(what, str(configuration.hf_hub_id), REVISION, (WEIGHTS_FILE,), cache)
    path = folder / WEIGHTS_FILE
    if not path.exists():
        raise RunError(
            Reason.WEIGHTS_UNAVAILABLE,
            f"{what} are not stored as {WEIGHTS_FILE} at {configuration.hf_hub_id}: set another "
            "spec.backbone.weights.name, or uri.",
        )
    return Pretrained(path, str(configuration.tag), stored.sha256_of(path), of_configuration(configuration))
