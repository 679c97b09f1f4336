"""When schedules come round, in time zones and through their changes of the clock."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_operator.schedule import ScheduleInvalid, following

pytestmark = pytest.mark.unit


def at(text: str) -> datetime:
    """Return a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


TABLE = [
    # schedule, zone, moment, next
    ("30 8 * * 1-5", "UTC", "2026-01-02T08:29:59", "2026-01-02T08:30"),
    ("30 8 * * 1-5", "UTC", "2026-01-02T08:30", "2026-01-05T08:30"),  # over a weekend; the moment itself does not count
    ("30 8 * * MON-fri", "UTC", "2026-01-02T08:30", "2026-01-05T08:30"),
    ("0 7 * * *", "Asia/Kolkata", "2026-06-01T00:00", "2026-06-01T01:30"),
    ("0 9 * * *", "Europe/Berlin", "2026-01-15T00:00", "2026-01-15T08:00"),
    ("0 9 * * *", "Europe/Berlin", "2026-07-15T00:00", "2026-07-15T07:00"),
    ("0 0 31 * *", "UTC", "2026-01-31T00:00", "2026-03-31T00:00"),  # February has none
    ("0 0 29 2 *", "UTC", "2026-01-01T00:00", "2028-02-29T00:00"),
    ("0 0 1 */3 *", "UTC", "2026-01-01T00:00", "2026-04-01T00:00"),
    ("0 0 1 * 1", "UTC", "2026-01-01T00:00", "2026-01-05T00:00"),  # the first, and every Monday
    ("0 0 * * 7", "UTC", "2026-01-01T00:00", "2026-01-04T00:00"),  # Sunday is 0 and 7
    # 2026-03-29: 02:00 in Berlin becomes 03:00. What falls into the gap comes right after it.
    ("30 2 * * *", "Europe/Berlin", "2026-03-29T00:00", "2026-03-29T01:00"),
    ("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:30"),
    # 2026-10-25: 03:00 in Berlin becomes 02:00. What falls into the hour that comes twice comes once, the first time.
    ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T00:30"),
    ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45", "2026-10-26T01:30"),
    ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10", "2026-10-26T01:30"),
    ("0 * * * *", "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T01:00"),  # every hour is every hour
    ("15 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00", "2018-11-04T03:00"),  # midnight itself was left out
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00", "2026-10-03T15:30"),  # half an hour was left out
    ("0 0 * * *", "Pacific/Apia", "2011-12-29T12:00", "2011-12-30T10:00"),  # a day was left out
]


@pytest.mark.parametrize(("schedule", "zone", "moment", "expected"), TABLE)
def test_following(schedule: str, zone: str, moment: str, expected: str) -> None:
    assert following(schedule, zone, at(moment)) == at(expected)


@pytest.mark.parametrize(
    ("schedule", "zone", "says"),
    [
        ("0 0 30 2 *", "UTC", "'0 0 30 2 *' cannot be read: bad day-of-month"),
        ("0 17-8 * * *", "UTC", "cannot be read: bad hour"),
        ("60 * * * *", "UTC", "cannot be read: bad minute"),
        ("* * * * mo", "UTC", "cannot be read: bad day-of-week"),
        ("*/0 * * * *", "UTC", "cannot be read: bad minute"),
        ("@daily", "UTC", "must have five fields, such as '30 8 * * 1-5'"),
        ("0 0 0 * * *", "UTC", "must have five fields"),
        ("0 0 31 * 1#5", "Mars/Olympus", "there is no time zone 'Mars/Olympus'; use a name of the IANA database"),
        ("* * * * *", "../../etc/passwd", "there is no time zone"),
        ("* * * * *", "Europe", "there is no time zone"),
        ("* * * * *", "", "there is no time zone"),
        ("0 0 * 2 1#6", "UTC", "cannot be read: bad day-of-week"),
    ],
)
def test_what_cannot_be_understood_is_said(schedule: str, zone: str, says: str) -> None:
    with pytest.raises(ScheduleInvalid) as raised:
        following(schedule, zone, at("2026-01-01T00:00"))
    assert says in str(raised.value)


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(minute=st.integers(0, 59), hour=st.integers(0, 23), zone=ZONES, moment=MOMENTS)
def test_a_daily_time_comes_once_a_day_and_shows_on_the_zones_clock(
    minute: int, hour: int, zone: str, moment: datetime
) -> None:
    times = [moment]
    for _ in range(4):
        times.append(following(f"{minute} {hour} * * *", zone, times[-1]))
    assert times == sorted(set(times))
    local = [time.astimezone(ZoneInfo(zone)) for time in times[1:]]
    days = [time.date() for time in local]
    assert all(later - day == timedelta(days=1) for day, later in pairwise(days))
    for time in local:
        wanted = time.replace(hour=hour, minute=minute, second=0, microsecond=0)
        left_out = wanted.astimezone(UTC).astimezone(ZoneInfo(zone)) != wanted
        assert left_out or (time.hour, time.minute, time.second) == (hour, minute, 0)


@given(step=st.sampled_from([1, 5, 15, 30]), zone=ZONES, moment=MOMENTS)
def test_the_next_of_steps_within_an_hour_is_never_further_than_a_step(step: int, zone: str, moment: datetime) -> None:
    assert timedelta(0) < following(f"*/{step} * * * *", zone, moment) - moment <= timedelta(minutes=step)
