"""Taking turns, so that all sides see the same machine."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def order(sides: Sequence[T], number: int) -> list[T]:
    """Return the sides, each round begun by another one: none always follows the same neighbour."""
    start = number % len(sides) if sides else 0
    return [*sides[start:], *sides[:start]]
