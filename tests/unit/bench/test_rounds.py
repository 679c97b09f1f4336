"""The order of turns."""

import pytest

from tests.bench.rounds import order

pytestmark = pytest.mark.unit


def test_each_round_begins_with_another_side() -> None:
    sides = ["a", "b", "c"]
    assert [order(sides, number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]
    assert order([], 3) == []
