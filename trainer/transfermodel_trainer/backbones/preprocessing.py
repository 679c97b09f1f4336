"""How samples become the backbone's input: the user's word first, then what the weights were trained with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Input, Task
from transfermodel_predictor.artifact.description import (
    AudioPreprocessing,
    Channels,
    ImagePreprocessing,
    Preprocessing,
    TextPreprocessing,
)

from transfermodel_trainer.errors import RunError

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)
SAMPLE_RATE: Final = 16_000
SPECTROGRAM_SIZE: Final = 64
LONGEST_CLIP: Final = 10.0
"""Seconds; unless the user asks for more."""


@dataclass(frozen=True)
class AudioInput:
    """What is known of a recording's preprocessing before any recording is."""

    sample_rate: int
    size: int
    clip_seconds: float | None

    def assumed(self) -> AudioPreprocessing:
        """Return a preprocessing that takes as long as that of any recordings."""
        clip = self.clip_seconds or LONGEST_CLIP
        return AudioPreprocessing(sample_rate=self.sample_rate, clip_seconds=clip, size=self.size, mean=0.0, std=1.0)


Settled = Preprocessing | AudioInput


def settle(task: Task, given: Input | None, default: Preprocessing | None) -> Settled:
    """Return the preprocessing of a run; of recordings only what is known before they are.

    Args:
        task: of the run.
        given: what the user asks for.
        default: what the weights or the base were trained with, if it is known.

    Raises:
        RunError: InputRequired or InvalidSpec.
    """
    if task == "ImageClassification":
        return resolve(given, default if isinstance(default, ImagePreprocessing) else None)
    if task == "TextClassification":
        return _of_texts(given, default)
    return _of_recordings(given, default)


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
    return replace(wanted, mean=default.mean, std=default.std)


def of_input(given: Input) -> ImagePreprocessing:
    """Return what the user asks for of images; without mean and std those of ImageNet."""
    mean = _channels(given.mean) if given.mean else IMAGENET_MEAN
    std = _channels(given.std) if given.std else IMAGENET_STD
    if given.size is None:
        raise RunError(Reason.INPUT_REQUIRED, "spec.backbone.input of images needs a size: set it, in pixels.")
    return ImagePreprocessing(
        size=given.size, resize=given.resize, interpolation=given.interpolation, mean=mean, std=std
    )


def _channels(values: Sequence[str]) -> Channels:
    red, green, blue = map(float, values)
    return red, green, blue


def _of_texts(given: Input | None, default: Preprocessing | None) -> TextPreprocessing:
    if given is not None and given.max_tokens is not None:
        return TextPreprocessing(max_tokens=given.max_tokens)
    if isinstance(default, TextPreprocessing):
        return default
    raise RunError(
        Reason.INVALID_SPEC,
        "Text needs a pretrained encoder: set spec.backbone.weights.name, weights.uri or fromTransferModel.",
    )


def _of_recordings(given: Input | None, default: Preprocessing | None) -> Settled:
    """Return that of the base, if it is of recordings and nothing else is asked for; else what is to be measured."""
    base = default if isinstance(default, AudioPreprocessing) else None
    if base is not None and given is None:
        return base
    asked = given or Input()
    clip = float(asked.clip_seconds) if asked.clip_seconds is not None else base.clip_seconds if base else None
    return AudioInput(
        sample_rate=asked.sample_rate or (base.sample_rate if base else SAMPLE_RATE),
        size=asked.size or (base.size if base else SPECTROGRAM_SIZE),
        clip_seconds=clip,
    )
