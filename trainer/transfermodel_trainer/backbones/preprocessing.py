"""How images become the backbone's input: the user's word first, then what the weights were trained with."""

import torchvision
from torchvision.transforms import InterpolationMode
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Input
from transfermodel_predictor.artifact.description import ImagePreprocessing

from transfermodel_trainer.errors import RunError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# The ImageNet weights of these two expect pixels in -1..1; torchvision converts inside the model (transform_input).
# We say so in the preprocessing instead, so that the graph holds the architecture alone.
SYMMETRIC = ("googlenet", "inception_v3")
INTERPOLATIONS = {
    InterpolationMode.BILINEAR: "bilinear",
    InterpolationMode.BICUBIC: "bicubic",
    InterpolationMode.NEAREST: "nearest",
}


def of_input(given: Input) -> ImagePreprocessing:
    """Return what the user asks for; without mean and std those of ImageNet."""
    mean = tuple(float(value) for value in given.mean) if given.mean else IMAGENET_MEAN
    std = tuple(float(value) for value in given.std) if given.std else IMAGENET_STD
    return ImagePreprocessing(
        size=given.size, resize=given.resize, interpolation=given.interpolation, mean=mean, std=std
    )


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


def resolve(given: Input | None, default: ImagePreprocessing | None) -> ImagePreprocessing:
    """Return the preprocessing of a run.

    A given input changes size and resampling of the default; its mean and std only where it states them.

    Raises:
        RunError: InputRequired when there is neither.
    """
    if given is None:
        if default is None:
            raise RunError(
                Reason.INPUT_REQUIRED,
                "spec.backbone.input is required with weights.uri and weights.scratch: set at least its size.",
            )
        return default
    wanted = of_input(given)
    if default is None or given.mean:
        return wanted
    return wanted.model_copy(update={"mean": default.mean, "std": default.std})
