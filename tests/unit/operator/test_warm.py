"""Which windows are open: through overlaps, ends of months, and changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_operator.api.spec import WarmWindow
from transfermodel_operator.schedule import ScheduleInvalid
from transfermodel_operator.warm import Warmth, warmth

pytestmark = pytest.mark.unit

HOUR = 3600


def window(schedule: str, seconds: int, replicas: int = 1, zone: str = "UTC") -> WarmWindow:
    """Return a window."""
    return WarmWindow(schedule=schedule, time_zone=zone, duration_seconds=seconds, replicas=replicas)


def at(text: str) -> datetime:
    """Return a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFICE = window("0 8 * * 1-5", 10 * HOUR, 2, "Europe/Berlin")
LUNCH = window("30 11 * * 1-5", 2 * HOUR, 5, "Europe/Berlin")
MONTH_END = window("0 22 31 * *", 4 * HOUR, 3)
MINUTES = window("* * * * *", 600)

TABLE = [
    # windows, now, replicas, when to look again
    ([], "2026-01-05T07:00", 0, None),
    ([OFFICE], "2026-01-05T06:59:59", 0, "2026-01-05T07:00"),
    ([OFFICE], "2026-01-05T07:00", 2, "2026-01-05T17:00"),
    ([OFFICE], "2026-01-05T16:59:59.999999", 2, "2026-01-05T17:00"),
    ([OFFICE], "2026-01-05T17:00", 0, "2026-01-06T07:00"),
    ([OFFICE], "2026-01-09T17:00", 0, "2026-01-12T07:00"),  # over a weekend
    ([OFFICE, LUNCH], "2026-01-05T10:29", 2, "2026-01-05T10:30"),
    ([OFFICE, LUNCH], "2026-01-05T10:30", 5, "2026-01-05T12:30"),
    ([LUNCH, OFFICE], "2026-01-05T10:30", 5, "2026-01-05T12:30"),
    ([LUNCH, OFFICE], "2026-01-05T12:30", 2, "2026-01-05T17:00"),
    ([MONTH_END], "2026-02-28T23:00", 0, "2026-03-31T22:00"),  # February has no 31st
    ([MONTH_END], "2026-04-01T01:59", 3, "2026-04-01T02:00"),  # beyond the end of the month
    ([MONTH_END], "2026-04-01T02:00", 0, "2026-05-31T22:00"),
    ([MONTH_END], "2027-01-01T00:00", 3, "2027-01-01T02:00"),  # beyond the end of the year
    ([MINUTES], "2026-01-05T00:00:30", 1, "2026-01-05T00:01"),  # always open; looked at once a minute
    # The clock goes forward at 01:00 UTC: a window of four hours is four hours.
    ([window("0 1 * * *", 4 * HOUR, 1, "Europe/Berlin")], "2026-03-29T03:59", 1, "2026-03-29T04:00"),
    ([window("30 2 * * *", HOUR, 1, "Europe/Berlin")], "2026-03-29T01:30", 1, "2026-03-29T02:00"),
    # The clock goes back at 01:00 UTC: what begins in the hour that comes twice begins the first time.
    ([window("30 2 * * *", HOUR, 1, "Europe/Berlin")], "2026-10-25T01:29", 1, "2026-10-25T01:30"),
    ([window("30 2 * * *", HOUR, 1, "Europe/Berlin")], "2026-10-25T01:30", 0, "2026-10-26T01:30"),
    ([window("30 2 * * *", 600, 1, "Europe/Berlin")], "2026-10-25T01:20", 0, "2026-10-26T01:30"),
]


@pytest.mark.parametrize(("windows", "now", "replicas", "until"), TABLE)
def test_warmth(windows: list[WarmWindow], now: str, replicas: int, until: str | None) -> None:
    assert warmth(windows, at(now)) == Warmth(replicas, at(until) if until else None)


def test_the_window_that_is_wrong_is_named() -> None:
    with pytest.raises(ScheduleInvalid, match=r"^spec\.serving\.warm\[1\]: there is no time zone 'Mars/Olympus'"):
        warmth([OFFICE, window("0 8 * * *", HOUR, 1, "Mars/Olympus")], at("2026-01-01T00:00"))


WINDOWS = st.builds(
    window,
    schedule=st.builds(
        "{} {} {} * {}".format,
        st.sampled_from(["0", "30", "*/20", "5,50"]),
        st.sampled_from(["*", "2", "0-3", "8,17", "*/6"]),
        st.sampled_from(["*", "1", "31", "*/10"]),
        st.sampled_from(["*", "1-5", "0", "7"]),
    ),
    seconds=st.sampled_from([60, 1800, HOUR, 5 * HOUR, 26 * HOUR]),
    replicas=st.integers(1, 4),
    # Not Lord Howe, which changes its clock by half an hour: there cronsim misses one time of hours with a star.
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Africa/Casablanca"]),
)
MOMENTS = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    # Around the changes of the clock.
    st.sampled_from(
        ["2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-02-15T02:00"]
    )
    .map(at)
    .flatmap(lambda change: st.integers(-7200, 7200).map(lambda seconds: change + timedelta(seconds=seconds))),
)


def matches(field: str, value: int) -> bool:
    """Tell whether a field of a schedule holds a value; for the few forms that WINDOWS draws."""
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            if value % int(step or 1) == (1 if step == "10" else 0) or not step:
                return True
        elif int(first) <= value <= int(last or first):
            return True
    return False


def starts(schedule: str, local: datetime) -> bool:
    """Tell by the definition of crontab whether a schedule holds a minute of its zone's clock."""
    minute, hour, day, _, weekday = schedule.split()
    days = matches(day, local.day), matches(weekday, local.isoweekday() % 7) or matches(weekday, local.isoweekday())
    both = "*" in day[0] or "*" in weekday[0]
    return matches(minute, local.minute) and matches(hour, local.hour) and (all(days) if both else any(days))


@given(drawn=WINDOWS, now=st.datetimes(datetime(2026, 5, 1), datetime(2026, 9, 1), timezones=st.just(UTC)))
def test_a_window_is_open_when_a_minute_of_its_schedule_is_not_long_ago(drawn: WarmWindow, now: datetime) -> None:
    """An independent reading of crontab, minute by minute, where no clock changes."""
    zone, minute = ZoneInfo(drawn.time_zone), now.replace(second=0, microsecond=0)
    opened = False
    while now - minute < timedelta(seconds=drawn.duration_seconds):
        opened = opened or starts(drawn.schedule, minute.astimezone(zone))
        minute -= timedelta(minutes=1)
    assert (warmth([drawn], now).replicas > 0) == opened


@given(windows=st.lists(WINDOWS, max_size=3), now=MOMENTS, thousandths=st.integers(0, 999))
def test_nothing_changes_before_it_is_looked_at_again(
    windows: list[WarmWindow], now: datetime, thousandths: int
) -> None:
    found = warmth(windows, now)
    assert found.replicas == max((warmth([w], now).replicas for w in windows), default=0)
    assert found.replicas in {0, *(w.replicas for w in windows)}
    assert (found.until is None) == (windows == [])
    if found.until is not None:
        assert found.until > now
        between = now + thousandths * (found.until - now) // 1000
        assert warmth(windows, between) == found
