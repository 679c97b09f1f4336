"""How many CPUs this container may use: libraries see the node's, and start far too many threads.

On macOS there are neither cgroups nor processor affinity; the tests take them away on Linux, nobody ran it on a Mac.
"""

import math
import os
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
