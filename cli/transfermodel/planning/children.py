"""The trainer's own look at a run, in processes of their own: torch never comes into ours."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.run import CREDENTIAL_KEYS, DATA_CREDENTIALS_PREFIX, REQUEST_VARIABLE

from transfermodel.errors import TransferModelError

SURVEY: Final = "transfermodel_trainer.survey"
ESTIMATE: Final = "transfermodel_trainer.estimate"
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
    """Return what the data of a run holds: transfermodel_trainer.survey.Survey as JSON.

    Raises:
        ChildFailed: the trainer is not installed, or took too long.
    """
    return _ask(SURVEY, NEEDED_BY_SURVEY, request, {}, SURVEY_SECONDS)


def estimate(request: RunRequest, counts: dict[str, Any]) -> dict[str, Any]:
    """Return what a run would take here: transfermodel_trainer.estimate.Estimate as JSON.

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
            [sys.executable, "-m", module],
            env=_environment(request) | more,
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


def _environment(request: RunRequest) -> dict[str, str]:
    """Return the environment of a child, as a run of this machine would have it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFERMODEL_")}
    keys = {DATA_CREDENTIALS_PREFIX + key: environment[key] for key in CREDENTIAL_KEYS if environment.get(key)}
    cache = environment.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return (
        environment
        | keys
        | {REQUEST_VARIABLE: request.model_dump_json(by_alias=True, exclude_none=True), "XDG_CACHE_HOME": cache}
    )
