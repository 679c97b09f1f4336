"""How the process says why it ends: one line for people on stderr, and the same where Kubernetes keeps it."""

import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Final

TERMINATION_LOG: Final = "/dev/termination-log"
LIMIT: Final = 3072


def report_failure(sentence: str, unexpected: Exception | None = None) -> None:
    """Print the sentence and leave it as the container's termination message; unexpected: with its traceback."""
    line = " ".join(sentence.split())
    print(_logged(line, unexpected), file=sys.stderr, flush=True)
    named = os.environ.get("TRANSFERMODEL_TERMINATION_LOG")
    path = Path(named or TERMINATION_LOG)
    if not named and not path.exists():  # outside a container there is none, and root would make one
        return
    with suppress(OSError):
        path.write_bytes(line.encode()[:LIMIT])


def _logged(line: str, unexpected: Exception | None) -> str:
    """Return how the log says it; asked of the environment itself, for there may be no configuration."""
    if os.environ.get("TRANSFERMODEL_LOG_FORMAT") != "json":
        before = "" if unexpected is None else "".join(traceback.format_exception(unexpected))
        return f"{before}transfermodel-predictor: {line}"
    from transfermodel_predictor.observation.logs import failure_event

    return failure_event(line, unexpected)
