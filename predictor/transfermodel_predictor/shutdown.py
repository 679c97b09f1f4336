"""How the process ends when it is told to."""

import signal
import sys
from typing import Any


def end_on_signals() -> None:
    """End with status 0 on SIGTERM and SIGINT: process 1 of a container would ignore them.

    While the server runs, uvicorn's own handlers end it gracefully and then raise the signal once more, for these.
    """

    def end(number: int, frame: Any) -> None:
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
