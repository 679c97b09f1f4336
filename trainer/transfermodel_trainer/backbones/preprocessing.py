"""How samples become the backbone's input: the user's word first, then what the weights were trained with."""

from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Input, Task
from transfermodel_predictor.artifact.description import ImagePreprocessing, Preprocessing

from transfermodel_trainer.errors import RunError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def of_input(given: Input) -> ImagePreprocessing:
    """Return what the user asks for of images; without mean and std those of ImageNet."""
    mean = tuple(float(value) for value in given.mean) if given.mean else IMAGENET_MEAN
    std = tuple(float(value) for value in given.std) if given.std else IMAGENET_STD
    if given.size is None:
        raise RunError(Reason.INPUT_REQUIRED, "spec.backbone.input of images needs a size: set it, in pixels.")
    return ImagePreprocessing(
        size=given.size, resize=given.resize, interpolation=given.interpolation, mean=mean, std=std
    )


def resolve(given: Input | None, default: ImagePreprocessing | None) -> ImagePreprocessing:
    """Return the preprocessing of a run on images.

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


def settle(task: Task, given: Input | None, default: Preprocessing | None) -> Preprocessing:
    """Return the preprocessing of a run's task; default: of the weights.

    Raises:
        RunError: InputRequired or InvalidSpec.
    """
    if task == "ImageClassification":
        return resolve(given, default if isinstance(default, ImagePreprocessing) else None)
    raise NotImplementedError(task)
