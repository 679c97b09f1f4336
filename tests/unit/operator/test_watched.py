"""A watch that does not deliver what a list shows is found out."""

from typing import Any

import pytest
from transfermodel_operator.watched import UNDELIVERED_SECONDS, Watched, newer

pytestmark = pytest.mark.unit


class Clock:
    """Time, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def item(uid: str, version: str) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "resourceVersion": version}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watched(clock: Clock) -> Watched:
    return Watched(clock)


def test_what_was_delivered_is_not_missing(watched: Watched, clock: Clock) -> None:
    watched.delivered("jobs", None, item("a", "5"))
    watched.delivered("jobs", "MODIFIED", item("a", "9"))
    watched.listed("jobs", [item("a", "8")])
    clock.now += 1000
    assert watched.overdue() is None


@pytest.mark.parametrize("listed", [item("a", "10"), item("b", "1")], ids=["a change", "an object"])
def test_what_the_watch_does_not_deliver_is_overdue(watched: Watched, clock: Clock, listed: Any) -> None:
    watched.delivered("jobs", None, item("a", "9"))
    watched.listed("jobs", [item("a", "9"), listed])
    clock.now += UNDELIVERED_SECONDS - 1
    assert watched.overdue() is None
    clock.now += 2
    assert watched.overdue() == "jobs"


def test_the_time_counts_from_the_first_list(watched: Watched, clock: Clock) -> None:
    watched.listed("jobs", [item("a", "10")])
    clock.now += UNDELIVERED_SECONDS - 1
    watched.listed("jobs", [item("a", "12")])
    clock.now += 2
    assert watched.overdue() == "jobs"


@pytest.mark.parametrize("event", ["MODIFIED", "DELETED"])
def test_late_is_not_lost(watched: Watched, clock: Clock, event: str) -> None:
    watched.listed("jobs", [item("a", "10")])
    watched.delivered("jobs", event, item("a", "11"))
    clock.now += 1000
    assert watched.overdue() is None


def test_an_older_delivery_does_not_count(watched: Watched, clock: Clock) -> None:
    watched.listed("jobs", [item("a", "10")])
    watched.delivered("jobs", "MODIFIED", item("a", "9"))
    clock.now += 1000
    assert watched.overdue() == "jobs"


def test_what_is_gone_is_forgotten(watched: Watched, clock: Clock) -> None:
    watched.listed("jobs", [item("a", "10")])
    watched.listed("jobs", [])
    clock.now += 1000
    assert watched.overdue() is None


def test_versions_are_numbers_and_not_text() -> None:
    assert newer("10", "9")
    assert not newer("9", "10")
    assert not newer("x", "x")
    assert newer("x", "y")
