"""How the process ends, when it is told to and otherwise."""

import logging
import os
import signal
import sys
import threading
from typing import Any, NoReturn

from transfermodel_predictor.artifact.background import Background


def end_on_signals() -> None:
    """End with status 0 on SIGTERM and SIGINT, also as process 1 of a container, which ignores what it does not handle.

    While the server runs, its own handlers end it gracefully; before and after that nothing is left to be done. So it
    ends on the spot: an exception would become another one in the middle of a C extension's import.
    """

    def end(number: int, frame: Any) -> None:
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def leave(status: int) -> NoReturn:
    """End the process with this status, also while a model is being loaded.

    A thread inside ONNX Runtime that comes back to an interpreter that has ended aborts the process, and storage that
    does not answer would keep it.
    """
    if any(isinstance(thread, Background) for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
