"""Who is let into the queue, and how long the others are told to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_predictor.configuration import ConfigurationInvalid, QueueLimits, read_configuration
from transfermodel_predictor.engine.admission import LONGEST_RETRY_SECONDS, admit
from transfermodel_predictor.engine.pace import BATCH_SECONDS, Pace
from transfermodel_predictor.protocol.errors import Overloaded

pytestmark = pytest.mark.unit
LIMITS = QueueLimits(samples=100, seconds=10)


def refused(samples: int, waiting: list[int], seconds_per_sample: float) -> Overloaded:
    with pytest.raises(Overloaded) as caught:
        admit(samples, waiting, seconds_per_sample, LIMITS)
    return caught.value


def test_the_queue_is_bounded() -> None:
    admit(10, [60, 30], 0.01, LIMITS)
    error = refused(11, [60, 30], 0.01)
    assert "90 samples wait already, at most 100 may" in str(error)
    assert error.headers == {"Retry-After": "1"}
    assert refused(50, [60, 30], 0.1).headers == {"Retry-After": "4"}


@given(st.integers(1, 1000), st.floats(0, 1000))
def test_a_request_that_finds_nothing_waiting_is_let_in(samples: int, seconds_per_sample: float) -> None:
    admit(samples, [], seconds_per_sample, LIMITS)


def test_who_would_wait_too_long_is_told_to_come_back() -> None:
    admit(10, [30, 30], 0.5, LIMITS)
    error = refused(11, [30, 30], 0.5)
    assert "it would take 11 seconds until this request's turn, at most 10 are waited" in str(error)
    assert "Ask again in 1 second, or" in str(error)
    assert refused(30, [30, 30], 0.5).headers == {"Retry-After": "20"}


def test_a_single_image_is_not_refused_because_of_large_requests() -> None:
    admit(1, [40, 40], 1.0, LIMITS)
    refused(20, [40, 40], 1.0)


@given(st.integers(1, 300), st.lists(st.integers(1, 300), max_size=50), st.floats(0, 1e6), st.integers(1, 2000))
def test_what_is_let_in_fits_and_what_is_not_is_told_when(
    samples: int, waiting: list[int], seconds_per_sample: float, most: int
) -> None:
    limits = QueueLimits(samples=most, seconds=10)
    fits = sum(waiting) + samples <= most
    in_time = sum(min(samples, count) for count in waiting) * seconds_per_sample <= limits.seconds
    if not waiting or (fits and in_time):
        admit(samples, waiting, seconds_per_sample, limits)
        return
    with pytest.raises(Overloaded, match=r"\(spec\.serving\.maxReplicas\)\.$") as caught:
        admit(samples, waiting, seconds_per_sample, limits)
    assert 1 <= int(caught.value.headers["Retry-After"]) <= LONGEST_RETRY_SECONDS


NEEDED = {
    "TRANSFERMODEL_MODEL_NAME": "colours",
    "TRANSFERMODEL_ARTIFACT_URI": "file:///artifact",
    "TRANSFERMODEL_ARTIFACT_DIGEST": f"sha256:{'0' * 64}",
}


def test_the_limits_come_from_the_environment() -> None:
    default = read_configuration(NEEDED)
    assert (default.queue, default.largest_batch) == (QueueLimits(samples=1024, seconds=10), 16)
    changed = read_configuration(
        NEEDED
        | {
            "TRANSFERMODEL_QUEUE_SIZE": "7",
            "TRANSFERMODEL_MAX_QUEUE_SECONDS": "3",
            "TRANSFERMODEL_MAX_BATCH_SIZE": "1",
        }
    )
    assert (changed.queue, changed.largest_batch) == (QueueLimits(samples=7, seconds=3), 1)
    for name in ("TRANSFERMODEL_QUEUE_SIZE", "TRANSFERMODEL_MAX_QUEUE_SECONDS", "TRANSFERMODEL_MAX_BATCH_SIZE"):
        with pytest.raises(ConfigurationInvalid, match=f"{name} is '0'; a whole number above 0 is needed"):
            read_configuration(NEEDED | {name: "0"})


def test_a_batch_takes_a_bounded_time() -> None:
    pace = Pace(2, 16)
    assert pace.batch_limit(1) == 1, "nothing was timed yet"
    for _ in range(100):
        pace.inferred(100 * BATCH_SECONDS, BATCH_SECONDS / 4, 2, 1)  # neighbours take the processors
    assert pace.batch_limit(1) == 8
    assert pace.batch_limit(4) == 2
    assert pace.batch_limit(100) == 1
    for _ in range(100):
        pace.inferred(1e-6, 1e-6, 1, 1)
    assert pace.batch_limit(1) == 16
    assert Pace(2, 1).batch_limit(1) == 1


def test_what_takes_long_to_decode_is_not_gathered() -> None:
    pace = Pace(2, 16)
    pace.inferred(BATCH_SECONDS / 10.5, BATCH_SECONDS / 10.5, 1, 1)
    assert pace.gathered(1) == 10
    pace.decoded(9.0, BATCH_SECONDS / 4.5)
    assert (pace.gathered(1), pace.batch_limit(1)) == (4, 10)
    pace.decoded(100 * BATCH_SECONDS, 100 * BATCH_SECONDS)
    assert pace.gathered(1) == 1


def test_the_queue_drains_as_fast_as_all_workers_work() -> None:
    pace = Pace(4, 16)
    assert pace.seconds_per_sample == 0
    pace.decoded(0.2, 9.0)
    pace.inferred(1.2, 9.0, 2, 1)
    assert pace.seconds_per_sample == pytest.approx(0.2)
    for _ in range(200):
        pace.decoded(0.1, 0.1)
        pace.inferred(0.3, 0.3, 1, 1)
    assert pace.seconds_per_sample == pytest.approx(0.1, rel=0.01)
