"""The trainer's own look at a run, in processes of their own: torch never comes into ours."""

import importlib.util
import json
import subprocess
import sys
from typing import Any, Final

from transfermodel_operator.api import RunRequest

from transfermodel.errors import TransferModelError
from transfermodel.local.process import trainer_environment

SURVEY: Final = "transfermodel_trainer.planning.survey"
ESTIMATE: Final = "transfermodel_trainer.planning.estimate"
COUNTS_VARIABLE: Final = "TRANSFERMODEL_COUNTS"
SURVEY_SECONDS: Final = 300.0
ESTIMATE_SECONDS: Final = 90.0
"""It takes 5 to 15 seconds on a quiet machine."""
NEEDED_BY_SURVEY: Final = ("obstore", "numpy", "PIL")
NEEDED_BY_ESTIMATE: Final = (*NEEDED_BY_SURVEY, "torch", "torchvision", "onnxruntime")
INSTALL: Final = 'pip install "transfermodel[local]"'


class ChildFailed(TransferModelError):
    """The look at a run did not come to an end."""


def survey(request: RunRequest) -> dict[str, Any]:
    """Return what the data of a run holds: transfermodel_trainer.planning.surveyed.Survey as JSON.

    Raises:
        ChildFailed: the trainer is not installed, or took too long.
    """
    return _ask(SURVEY, NEEDED_BY_SURVEY, request, {}, SURVEY_SECONDS)


def estimate(request: RunRequest, counts: dict[str, Any]) -> dict[str, Any]:
    """Return what a run would take here: transfermodel_trainer.planning.estimate.Estimate as JSON.

    Raises:
        ChildFailed: the trainer is not installed, or took too long.
    """
    return _ask(ESTIMATE, NEEDED_BY_ESTIMATE, request, {COUNTS_VARIABLE: json.dumps(counts)}, ESTIMATE_SECONDS)


def _ask(
    module: str, needed: tuple[str, ...], request: RunRequest, more: dict[str, str], seconds: float
) -> dict[str, Any]:
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ChildFailed(f"{missing[0]} is not installed", INSTALL)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module],
            env=trainer_environment(request) | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            # As the trainer of a run: Linux shares processors between sessions, so both get the same part.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"it took longer than {seconds:.0f} s") from None
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise ChildFailed(f"the trainer could not say ({last})") from None
    return found
