"""What threads use together stays within its amount, and nobody waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_predictor.inference.budget import Budget
from transfermodel_predictor.inference.decode import decode_image
from transfermodel_predictor.inference.limits import SampleLimits
from transfermodel_predictor.inference.pipelines import ImagePipeline

from tests.support.colours import picture
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit


@given(st.lists(st.integers(0, 15), min_size=1, max_size=30), st.integers(2, 6))
def test_no_more_is_used_than_there_is(amounts: list[int], threads: int) -> None:
    budget, lock = Budget(10), threading.Lock()
    used = most = 0

    def use(amount: int) -> None:
        nonlocal used, most
        with budget.taking(amount):
            with lock:
                used += min(amount, 10)
                most = max(most, used)
            with lock:
                used -= min(amount, 10)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(use, amounts))
    assert used == 0
    assert most <= 10


def test_what_fails_gives_back() -> None:
    budget = Budget(10)
    with pytest.raises(ValueError, match="within"), budget.taking(10):
        raise ValueError("within")
    with budget.taking(10):
        pass


def test_images_wait_until_there_is_room_for_their_pixels() -> None:
    budget, decoded = Budget(1000), threading.Event()

    def decode() -> None:
        decode_image(picture(size=(20, 20)), pixels=budget)
        decoded.set()

    with ThreadPoolExecutor(1) as pool:
        with budget.taking(700):
            working = pool.submit(decode)
            wait_for(lambda: working.running(), timeout_seconds=10, what="it is begun", interval_seconds=0.001)
            assert not decoded.wait(0.1), "there was room for 300 pixels alone"
        working.result(10)
    with budget.taking(600):
        decode_image(picture(size=(20, 20)), pixels=budget)


def test_a_pipeline_decodes_two_of_the_largest_images_at_once_and_many_small_ones() -> None:
    limits = SampleLimits(image_pixels=400)
    pipeline = ImagePipeline(ImagePreprocessing(size=8, mean=(0, 0, 0), std=(1, 1, 1)), limits)
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(pipeline.decode, [picture(size=(20, 20)), picture(size=(4, 4))] * 20))
    assert [image.size for image in images[:2]] == [(20, 20), (4, 4)]
    with ThreadPoolExecutor(1) as pool:
        with pipeline._pixels.taking(401):
            waiting = pool.submit(pipeline.decode, picture(size=(20, 20)))
            assert pipeline.decode(picture(size=(4, 4))).size == (4, 4)
            with pytest.raises(TimeoutError):
                waiting.result(0.1)
        assert waiting.result(10).size == (20, 20)
