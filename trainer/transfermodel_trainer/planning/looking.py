"""Reading one sample as a run would, without the network that it is for."""

from collections.abc import Callable

from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.spec import Input
from transfermodel_predictor.artifact.description import AudioPreprocessing, ImagePreprocessing
from transfermodel_predictor.inference.decode import decode_image
from transfermodel_predictor.inference.preprocess import resize_and_crop

USUAL_SIZE = 224

Look = Callable[[bytes], int | None]
"""Takes an encoded sample; returns an image's shorter side in pixels. Raises UnreadableSample."""


def looker(request: RunRequest) -> Look:
    """Return what reads the samples of a run, in about the time that the run takes for it."""
    given = request.backbone.input or Input()
    if request.task == "TextClassification":
        return look_at_text
    return _audio(given) if request.task == "AudioClassification" else _image(given)


def look_at_text(data: bytes) -> None:
    """Read a text; only the encoder's own tokenizer can do more."""
    from transfermodel_predictor.inference.text import decode_text

    decode_text(data)


def _image(given: Input) -> Look:
    # Only the library knows what named weights want; it takes as long.
    size = given.size or USUAL_SIZE
    usual = ImagePreprocessing(
        size=size, resize="ShortestSide", interpolation="bilinear", mean=(0, 0, 0), std=(1, 1, 1)
    )

    def look(data: bytes) -> int:
        image = decode_image(data)
        resize_and_crop(image, usual)
        return min(image.size)

    return look


def _audio(given: Input) -> Look:
    from transfermodel_predictor.inference.audio import AudioPipeline

    pipeline = AudioPipeline(
        AudioPreprocessing(
            sample_rate=given.sample_rate or 16_000,
            clip_seconds=float(given.clip_seconds or 1),
            size=given.size or 64,
            mean=0,
            std=1,
        )
    )

    def look(data: bytes) -> None:
        pipeline.row(pipeline.decode(data))

    return look
