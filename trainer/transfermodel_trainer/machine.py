"""What this process may use: processors and folders, within a container's limits where there is a container.

On macOS there are neither cgroups nor processor affinity; the tests take them away on Linux, nobody ran it on a Mac.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
CGROUP_V1 = Path("/sys/fs/cgroup/cpu")
MEMORY = Path("/proc/meminfo")
MEMORY_CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
)
CACHED = ("inactive_file", "total_inactive_file")
_scratch: list[Path] = []


def processor_limit() -> float | None:
    """Return the container's limit in processors, from the cgroup; None without one."""
    try:
        quota, period = CGROUP_V2.read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        quota_v1 = int((CGROUP_V1 / "cpu.cfs_quota_us").read_text())
        period_v1 = int((CGROUP_V1 / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota_v1 / period_v1 if quota_v1 > 0 else None


def threads() -> int:
    """Return how many threads to compute with: more than the limit would only wait for each other."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = processor_limit()
    return max(1, available if limit is None else min(available, round(limit)))


def free_memory() -> int | None:
    """Return how many bytes this process could still take: what the machine has, within the container's limit.

    Files that the kernel keeps in memory count as free, as they go when memory is needed. None: not known.
    """
    found = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        line = next(line for line in MEMORY.read_text().splitlines() if line.startswith("MemAvailable:"))
        found.append(int(line.split()[1]) * 1024)
    for folder, limit, usage in MEMORY_CGROUPS:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            lines = (folder / "memory.stat").read_text().splitlines()
            cached = next(int(line.split()[1]) for line in lines if line.split()[0] in CACHED)
            used = int((folder / usage).read_text()) - cached
            found.append(int((folder / limit).read_text()) - used)
            break
    return min(found, default=None)


def scratch_folder() -> Path:
    """Return a new folder of this process for temporary files; the root file system is read-only."""
    folder = Path(tempfile.mkdtemp(prefix="transfermodel-"))
    _scratch.append(folder)
    return folder


def remove_scratch() -> None:
    """Remove the temporary files, which outlive the process outside a container.

    Not at a signal: other threads still use them, and would say that they are gone. The spool, which is the largest,
    has no name.
    """
    while _scratch:
        shutil.rmtree(_scratch.pop(), ignore_errors=True)


def cache_folder() -> Path:
    """Return the folder for downloads that another run may use again."""
    root = os.environ.get("XDG_CACHE_HOME") or os.environ.get("TORCH_HOME") or tempfile.gettempdir()
    folder = Path(root) / "transfermodel"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
