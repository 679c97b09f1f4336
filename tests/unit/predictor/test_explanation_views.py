"""What an explanation asks about is just what the model was asked: the whole view becomes the same row."""

import io

import numpy as np
import pytest
from PIL import Image
from transfermodel_predictor.artifact.description import AudioPreprocessing, ImagePreprocessing, TextPreprocessing
from transfermodel_predictor.explanation.images import ImageView, seen
from transfermodel_predictor.explanation.sounds import SoundView
from transfermodel_predictor.explanation.texts import TextView
from transfermodel_predictor.inference.audio import AudioPipeline, Recording
from transfermodel_predictor.inference.pipelines import ImagePipeline
from transfermodel_predictor.protocol.forms import BANDS

from tests.support.predictor_sounds import RATE, tone

pytestmark = pytest.mark.unit
HALVES = (0.5, 0.5, 0.5)


def images(size: int, resize_to: int | None, exact: bool = False) -> ImagePreprocessing:
    if exact:
        return ImagePreprocessing(size=size, resize="Exact", mean=HALVES, std=HALVES)
    return ImagePreprocessing(size=size, resize_to=resize_to, mean=HALVES, std=HALVES)


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("size", [(32, 32), (33, 57), (301, 40)])
@pytest.mark.parametrize(
    ("side", "resize_to", "exact"), [(16, None, False), (15, 20, False), (16, 23, False), (16, None, True)]
)
def test_a_whole_image_is_what_the_model_sees(
    size: tuple[int, int], side: int, resize_to: int | None, exact: bool
) -> None:
    pipeline = ImagePipeline(images(side, resize_to, exact))
    image = noise(*size)
    view = ImageView(image, pipeline.preprocessing, 5)
    expected = pipeline.row(image)
    np.testing.assert_array_equal(pipeline.row(view.whole().decode(pipeline)), expected)
    # Each square covers its own place, and all of them together everything.
    covered = [pipeline.row(view.without(cell).decode(pipeline)) != expected for cell in range(view.cells)]
    assert view.cells == 25
    assert (np.sum([places.any(axis=0) for places in covered], axis=0) == 1).all()


def test_where_the_model_looks() -> None:
    assert seen((300, 100), images(10, None)) == pytest.approx((1 / 3, 0, 1 / 3, 1))
    assert seen((100, 300), images(10, None)) == pytest.approx((0, 1 / 3, 1, 1 / 3))
    assert seen((100, 100), images(8, 10)) == pytest.approx((0.1, 0.1, 0.8, 0.8))
    assert seen((300, 100), images(10, None, exact=True)) == (0, 0, 1, 1)


def test_an_image_of_fewer_pixels_than_squares_has_a_square_for_each() -> None:
    assert ImageView(noise(9, 9), images(4, None), 14).cells == 16


def test_an_overlay_of_nothing_is_the_image() -> None:
    view = ImageView(noise(16, 16), images(16, None), 4)
    overlay = Image.open(io.BytesIO(view._overlay(np.zeros((4, 4)))))
    np.testing.assert_array_equal(np.asarray(overlay), view.pixels)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.7])
@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_a_whole_recording_is_what_the_model_hears(seconds: float, rate: int) -> None:
    preprocessing = AudioPreprocessing(sample_rate=RATE, clip_seconds=0.5, size=16, mean=-10, std=3)
    pipeline = AudioPipeline(preprocessing)
    recording = Recording(tone(700, seconds, rate).astype(np.float32), rate)
    view = SoundView(recording, preprocessing, 5)
    np.testing.assert_array_equal(pipeline.row(view.whole().decode(pipeline)), pipeline.row(recording))
    # What is taken away cell by cell is, all together, the clip.
    removed = sum(view.samples - view.without(cell).decode(pipeline).samples for cell in range(view.cells))
    assert view.cells == 5 * BANDS
    np.testing.assert_allclose(removed, view.samples, atol=1e-4)
    assert view.begin == pytest.approx((seconds - 0.5) / 2)


def test_a_text_without_a_piece() -> None:
    view = TextView("instances[0].text", "one  two three four five", TextPreprocessing(max_tokens=4), 2)
    pipeline = object()
    assert view.whole().decode(pipeline) == "one  two three four five"  # type: ignore[arg-type]
    left = [view.without(cell).decode(pipeline) for cell in range(view.cells)]  # type: ignore[arg-type]
    # The model reads four tokens at most: the fifth word is no part of the explanation.
    assert left == [" three four five", "one  two  five"]
