"""The demo's data is what its table claims, and the same bytes each time."""

from collections import Counter

import numpy as np
import pytest

from examples.digits import dataset
from examples.digits.dataset import Digits

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def digits() -> Digits:
    return dataset.make()


def classes(files: dataset.Files) -> Counter[str]:
    return Counter(path.split("/")[0] for path in files)


def test_every_call_makes_the_same_bytes(digits: Digits) -> None:
    assert dataset.make() == digits


def test_the_source_task_has_each_drawing_in_four_rotations(digits: Digits) -> None:
    counts = classes(digits.source)
    assert len(counts) == 20
    assert {name.split("-")[0] for name in counts} == {"0", "1", "2", "3", "4"}
    drawing = next(path for path in digits.source if path.startswith("3-turned-0/"))
    file = drawing.split("/")[1]
    upright = dataset.pixels(digits.source[drawing])
    turned = dataset.pixels(digits.source[f"3-turned-270/{file}"])
    assert np.array_equal(np.rot90(upright, 3), turned)


def test_the_customer_has_ten_of_each_and_the_test_set_all_others(digits: Digits) -> None:
    assert classes(digits.train) == dict.fromkeys("56789", 10)
    assert set(classes(digits.test)) == set("56789")
    assert not digits.train.keys() & digits.test.keys()
    assert len(digits.train) + len(digits.test) == 896


def test_drawings_are_of_the_promised_size_and_about_half_are_inverted(digits: Digits) -> None:
    inverted = 0
    for file in digits.test.values():
        drawing = dataset.pixels(file)
        assert drawing.shape == (dataset.FRAME, dataset.FRAME)
        background = max(int(drawing[0, 0]), int(drawing[-1, -1]))
        inverted += background > 127
        rows = np.flatnonzero((drawing != drawing[0, 0]).any(1))
        assert np.ptp(rows) + 1 <= round(dataset.LARGEST * dataset.FRAME)
    assert 0.45 < inverted / len(digits.test) < 0.55
