"""`python -m transfermodel_trainer.planning.estimate`: what a run would take on this machine, in seconds and memory.

Reads the RunRequest from the environment as the trainer does, and the numbers of samples (Counts) beside it; prints one
JSON document, an Estimate. Nothing is downloaded: weights that are not here are random ones, which compute as fast.
A few batches really run forward and, for fine-tuning, backward, at the run's own input size, by the trainer's own
functions; the rest is arithmetic. It takes some 5 to 15 seconds, most of them for importing torch.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from transfermodel_operator.api import ApiModel

from transfermodel_trainer import machine
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.main import read_request, settle_environment

COUNTS_VARIABLE: Final = "TRANSFERMODEL_COUNTS"


class Counts(ApiModel):
    """How many samples there are."""

    classes: int
    train: int
    """Before a part of it is held out."""
    validation: int | None = None
    test: int | None = None
    data_seconds: float | None = None
    """What reading and decoding takes; None: not known."""


class Download(ApiModel):
    """Weights that a run would download."""

    what: str
    bytes: int
    """0: not known."""
    cached: bool
    """They are here already."""


class Estimate(ApiModel):
    """What a run would take here."""

    device: str
    threads: int
    architecture: str | None = None
    input_size: int | None = None
    parameters: int | None = None
    learning_parameters: int | None = None
    seconds: dict[str, float] = {}
    """By phase, and `total`."""
    memory_bytes: int | None = None
    """The most that the trainer's process would hold."""
    gpu_memory_bytes: int | None = None
    download: Download | None = None
    measured: str = ""
    """What really ran, in a sentence."""
    unknown: list[str] = []
    """What the seconds do not hold."""
    reason: str | None = None
    problem: str | None = None
    """Why the run would fail before it began."""


def main() -> None:
    """Print the estimate for the run that the environment asks for."""
    started = time.monotonic()
    settle_environment()  # threads that wait as in a run: before torch is imported
    try:
        request = read_request()
        counts = Counts.model_validate_json(os.environ[COUNTS_VARIABLE])
        with tempfile.TemporaryDirectory(prefix="transfermodel-estimate-") as folder:
            from transfermodel_trainer.planning.measuring import estimate

            found = estimate(request, counts, os.environ, Path(folder), time.monotonic() - started)
    except RunError as error:
        found = Estimate(device="", threads=machine.threads(), reason=error.reason, problem=error.message)
    sys.stdout.write(found.model_dump_json(by_alias=True, exclude_none=True) + "\n")
    sys.stdout.flush()
    # Threads of libraries have nothing left to say.
    os._exit(0)


if __name__ == "__main__":
    main()
