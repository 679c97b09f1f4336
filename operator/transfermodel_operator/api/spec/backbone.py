"""spec.backbone: the pretrained network to start from."""

from typing import Annotated, Literal

from pydantic import Field

from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.scalars import (
    BackboneName,
    Decimal,
    PositiveDecimal,
    TransferModelName,
    WeightsUri,
    rule,
    rules,
)


class Weights(ApiModel):
    """Where the backbone's pretrained weights come from; exactly one of name, uri and scratch."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "[has(self.name), has(self.uri), has(self.scratch)].filter(x, x).size() == 1",
                "set exactly one of name, uri and scratch",
            )
        )
    }

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9_]+$")] | None = None
    """The library's own name of its weights, such as IMAGENET1K_V1, or DEFAULT for its best."""
    uri: WeightsUri | None = None
    """Images and audio: a .safetensors state dict; its classifier is dropped, every other tensor must fit. Text: a
    folder, or a .tar, .tar.gz, .tgz or .zip of it, with config.json, tokenizer.json and model.safetensors."""
    scratch: Literal[True] | None = None
    """Start from random weights: training from scratch. Goes with strategy FineTuning and unfreeze All."""


class Input(ApiModel):
    """How a sample becomes the backbone's input tensor: an image, a text or a recording."""

    model_config = {
        "json_schema_extra": rules(
            rule("has(self.mean) == has(self.std)", "set mean and std together, or neither (then those of ImageNet)"),
        )
    }

    size: Annotated[int, Field(ge=8, le=1024)] | None = None
    """Images: height and width of the input, in pixels. Audio: bands and frames of the spectrogram; default 64."""
    resize: Literal["ShortestSide", "Exact"] = "ShortestSide"
    """Images: ShortestSide keeps the proportions and crops the centre; Exact stretches to a square."""
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"
    """Images: how pixels are resampled."""
    mean: Annotated[list[Decimal], Field(min_length=3, max_length=3)] | None = None
    """Images: mean of the red, green and blue channel after scaling to 0..1; default: ImageNet's."""
    std: Annotated[list[PositiveDecimal], Field(min_length=3, max_length=3)] | None = None
    """Images: standard deviation of the red, green and blue channel after scaling to 0..1; default: ImageNet's."""
    max_tokens: Annotated[int, Field(ge=8, le=8192)] | None = None
    """Text: what follows this many tokens is not read; default: the encoder's own length, at most 256."""
    sample_rate: Annotated[int, Field(ge=4000, le=48000)] | None = None
    """Audio: recordings are resampled to this rate, in hertz; default 16000."""
    clip_seconds: PositiveDecimal | None = None
    """Audio: longer recordings are cut to their middle, shorter ones padded with silence; default: long enough for 19
    of 20 training recordings, at most "10"."""


class Backbone(ApiModel):
    """The pretrained network to start from; exactly one of name and fromTransferModel."""

    model_config = {
        "json_schema_extra": rules(
            rule("has(self.name) != has(self.fromTransferModel)", "set exactly one of name and fromTransferModel"),
            rule(
                "!has(self.name) || has(self.weights)",
                "weights is required with name: {name}, {uri} or {scratch: true}",
            ),
            rule(
                "!has(self.fromTransferModel) || !has(self.weights)",
                "weights goes with name, not with fromTransferModel",
            ),
        )
    }

    name: BackboneName | None = None
    """<library>/<architecture>. Images and audio: torchvision/ or timm/ and any of their classification models, such as
    torchvision/resnet18. Text: sentence-transformers/ or transformers/ and the name of an encoder, such as
    sentence-transformers/all-MiniLM-L6-v2."""
    weights: Weights | None = None
    """The pretrained weights of the named architecture."""
    from_transfer_model: TransferModelName | None = None
    """Start from the trunk of another TransferModel's newest version, in the same namespace."""
    input: Input | None = None
    """The input's size and normalisation; default: the named weights' own, or those of fromTransferModel."""
