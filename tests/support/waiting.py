"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(
    probe: Callable[[], T],
    *,
    timeout_seconds: float,
    what: str,
    explain: Callable[[], str] = lambda: "",
    interval_seconds: float = 0.25,
) -> T:
    """Call `probe` until it returns something true, and return that.

    Raises:
        AssertionError: it did not within `timeout_seconds`; with what `explain` says of the state.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        if result := probe():
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_seconds:g} s: {what}\n{explain()}")
        time.sleep(interval_seconds)


def hold(probe: Callable[[], bool], *, seconds: float, what: str, interval_seconds: float = 0.25) -> None:
    """Assert that `probe` stays true for `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert probe(), what
        time.sleep(interval_seconds)
