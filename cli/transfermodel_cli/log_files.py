"""Log files of this machine: their end, and what is added to them."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

LOOK_AGAIN_SECONDS = 0.3


def tail(file: Path, count: int | None) -> list[str]:
    """Return the last lines of a file, or all; nothing when it is not there."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", errors="replace") as lines:
        return [line.rstrip("\n") for line in deque(lines, maxlen=count)]


def follow(file: Path, goes_on: Callable[[], bool]) -> Iterator[str]:
    """Yield all lines of a file, and those that are added for as long as its writer goes on."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        rest = ""
        while True:
            ended = not goes_on()  # asked first: what is written last is read below
            while piece := lines.readline():
                rest += piece
                if rest.endswith("\n"):
                    yield rest.rstrip("\n")
                    rest = ""
            if ended:
                break
            time.sleep(LOOK_AGAIN_SECONDS)
        if rest:
            yield rest
