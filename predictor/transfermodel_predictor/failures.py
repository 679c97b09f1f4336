"""How the process says why it ends: one line for people on stderr, and the same where Kubernetes keeps it."""

import os
import sys
from pathlib import Path
from typing import Final

TERMINATION_LOG: Final = "/dev/termination-log"
LIMIT: Final = 3072


def report_failure(sentence: str) -> None:
    """Print the sentence and leave it as the container's termination message."""
    line = " ".join(sentence.split())
    print(f"transfermodel-predictor: {line}", file=sys.stderr, flush=True)
    path = Path(os.environ.get("TRANSFERMODEL_TERMINATION_LOG") or TERMINATION_LOG)
    try:
        path.write_bytes(line.encode()[:LIMIT])
    except OSError:  # outside a container there is none
        return
