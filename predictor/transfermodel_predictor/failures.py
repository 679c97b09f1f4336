"""How the process says why it ends: one line for people on stderr, and the same where Kubernetes keeps it."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

TERMINATION_LOG: Final = "/dev/termination-log"
LIMIT: Final = 3072


def report_failure(sentence: str) -> None:
    """Print the sentence and leave it as the container's termination message."""
    line = " ".join(sentence.split())
    print(f"transfermodel-predictor: {line}", file=sys.stderr, flush=True)
    named = os.environ.get("TRANSFERMODEL_TERMINATION_LOG")
    path = Path(named or TERMINATION_LOG)
    if not named and not path.exists():  # outside a container there is none, and root would make one
        return
    with suppress(OSError):
        path.write_bytes(line.encode()[:LIMIT])
