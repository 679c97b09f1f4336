"""How many CPUs this container may use, as libraries see the node's and start far too many threads; and who waits.

On macOS there are neither cgroups, processor affinity nor policies of the scheduler; the tests take them away on Linux,
nobody ran it on a Mac.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
MOST: Final = 8
"""Without a limit; one inference gains little from more, and the node has other pods."""


def cpu_limit(root: Path = CGROUPS) -> float | None:
    """Return the CPU limit of the container's cgroup (version 2, then 1), or None where there is none."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    try:
        return int(quota) / int(period) if int(quota) > 0 else None
    except (ValueError, ZeroDivisionError):  # "max"
        return None


def thread_count(root: Path = CGROUPS) -> int:
    """Return how many threads one inference should use."""
    available = processors()
    limit = cpu_limit(root)
    return min(available, MOST) if limit is None else max(1, min(available, math.ceil(limit)))


def processors() -> int:
    """Return how many processors this process may run on; macOS knows only how many there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


@contextmanager
def batch_scheduled() -> Iterator[None]:
    """Let this thread, and those that it starts meanwhile, wait their turn when they have something to do.

    With the policy SCHED_BATCH of Linux (sched(7)) a thread gets as much of a processor as before, but does not take it
    from another in the moment in which it wakes. What computes goes on, and what answers need not wait for it. Another
    policy, that somebody chose, stays.
    """
    changed = False
    # Where there are no policies, or a sandbox lets nobody choose one, all is as it was.
    with suppress(AttributeError, OSError):
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            changed = True
    try:
        yield
    finally:
        if changed:
            with suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
