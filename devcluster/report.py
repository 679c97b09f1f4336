"""What the person sees: each step when it begins, and how long it took. Safe to use from several threads."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_began = time.monotonic()


def _print(mark: str, text: str) -> None:
    elapsed = int(time.monotonic() - _began)
    with _lock:
        # Standard error: `info` and other commands print their result, and only that, to standard output.
        print(f"{elapsed // 60:3d}:{elapsed % 60:02d} {mark} {text}", file=sys.stderr, flush=True)


def note(text: str) -> None:
    """Print one line."""
    _print(" ", text)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print that a step begins, and when it is over how many seconds it took."""
    _print("…", name)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        _print("✗", f"{name} (failed after {time.monotonic() - began:.1f} s)")
        raise
    _print("✓", f"{name} ({time.monotonic() - began:.1f} s)")
