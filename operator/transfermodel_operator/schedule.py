"""When a schedule comes round: five fields of crontab, read in a time zone.

Daylight saving is treated as Debian's cron treats it: what falls into the hour that is left out comes right after it,
what falls into the hour that comes twice comes once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5


class ScheduleInvalid(ValueError):
    """The schedule or its time zone cannot be understood; the message is a sentence without its subject."""


def following(expression: str, time_zone: str, moment: datetime) -> datetime:
    """Return when a schedule first comes round after a moment.

    Args:
        expression: minute, hour, day of the month, month and day of the week.
        time_zone: name of the IANA time zone database.
        moment: any time, with its zone.

    Returns:
        The time in UTC.

    Raises:
        ScheduleInvalid: The expression or the zone is wrong, or the schedule never comes round.
    """
    zone = _zone(time_zone)
    # Without its fold the second of two equal hours begins where the first does, so a time may lie before the moment.
    return next(time for time in _times(expression, moment.astimezone(zone)) if time > moment)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ScheduleInvalid(
            f"there is no time zone {name!r}; use a name of the IANA database, such as Europe/Berlin"
        ) from error


def _times(expression: str, start: datetime) -> Iterator[datetime]:
    """Yield the times of a schedule, in UTC."""
    if len(expression.split()) != FIELDS:
        raise ScheduleInvalid(f"{expression!r} must have five fields, such as '30 8 * * 1-5'")
    try:
        times = CronSim(expression, start)
    except CronSimError as error:
        raise ScheduleInvalid(f"{expression!r} cannot be read: {str(error).lower()}; see man 5 crontab") from error
    for time in times:
        yield time.astimezone(UTC)
    raise ScheduleInvalid(f"{expression!r} never comes round; look at its days and months")
