"""For all tests."""

import os
import signal
import sys

import pytest

WORKER_BYTES = 4_000_000_000
"""What a worker may take with the processes that its tests start: torch, a trainer or two, a predictor."""

# As in the trainer's own process: threads that spin while they wait take the processor from what runs beside them, and
# training within a test becomes many times slower. Torch reads it once, when it is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Containers often set this. Tests start hundreds of processes, and each would compile torch anew: 10 s of a processor.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name files by their length: they may hold the time of day, and every worker must find the same tests."""
    return f"{len(val)} bytes" if isinstance(val, bytes) and len(val) > 16 else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests run at a time with `-n auto`: one for each processor that there is memory for."""
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(os.cpu_count() or 1, memory_bytes // WORKER_BYTES))


def pytest_configure() -> None:
    """Give programs that tests start the signals of a terminal.

    Under nohup, and in the background of a script, they are ignored, and a child inherits that.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
