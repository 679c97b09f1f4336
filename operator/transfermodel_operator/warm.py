"""Which windows of spec.serving.warm are open, and when that changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from transfermodel_operator.api.spec import WarmWindow
from transfermodel_operator.schedule import ScheduleInvalid, following


@dataclass(frozen=True)
class Warmth:
    """What the windows ask for at one moment."""

    replicas: int = 0
    """Pods at least; 0: no window is open."""
    until: datetime | None = None
    """When to look again, at the latest; None: there are no windows."""


def warmth(windows: Sequence[WarmWindow], now: datetime) -> Warmth:
    """Return what the windows ask for.

    A window is open from its schedule's time on, for its duration, the last moment not included.

    Raises:
        ScheduleInvalid: A schedule or a time zone is wrong; the message says whose.
    """
    replicas, edges = 0, []
    for number, window in enumerate(windows):
        duration = timedelta(seconds=window.duration_seconds)
        try:
            opens = following(window.schedule, window.time_zone, now - duration)
        except ScheduleInvalid as error:
            raise ScheduleInvalid(f"spec.serving.warm[{number}]: {error}") from error
        if opens <= now:
            replicas = max(replicas, window.replicas)
            edges.append(opens + duration)
        else:
            edges.append(opens)
    return Warmth(replicas, min(edges, default=None))
