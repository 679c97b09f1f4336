"""How long the parts of the process's start took."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

StartPhase = Literal["download", "open", "warm_up", "ready"]
"""download: until the files are here and verified; open: the graph; warm_up: one inference; ready: all from exec on."""


class StartUp:
    """Seconds by phase; phases may overlap."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.seconds: dict[StartPhase, float] = {}

    @contextmanager
    def phase(self, name: StartPhase) -> Iterator[None]:
        """Time what runs within; a phase with several parts is their sum."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun

    def ready(self) -> float:
        """Say that requests can be answered from now on, and return the seconds since exec."""
        return self.seconds.setdefault("ready", process_seconds())


def process_seconds() -> float:
    """Return the seconds since this process began, to a clock tick (10 ms); without /proc: of Python alone."""
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/stat", "rb") as file:
            # Field 22 of proc(5), counted after the name, which may hold spaces and brackets.
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.perf_counter() - _IMPORTED


_IMPORTED: Final = time.perf_counter()
STARTUP: Final = StartUp()
"""Of this process: it starts once."""
