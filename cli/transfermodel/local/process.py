"""Child processes: in a session of their own, and never left behind."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.run import CREDENTIAL_KEYS, DATA_CREDENTIALS_PREFIX, REQUEST_VARIABLE

from transfermodel.errors import UsageError

KEYS: Final = (*CREDENTIAL_KEYS, "AWS_DEFAULT_REGION")
"""What a Secret has in a cluster, and the name by which AWS's own tools know the region."""
STOP_SECONDS: Final = 30.0
"""What a child may take to end; then it is killed."""


def check_installed(*modules: str) -> None:
    """Raise a UsageError unless all of these can be imported; none of them is."""
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise UsageError(
            "Training and serving on this machine need torch, the trainer and the predictor, which are not installed.",
            'Install them: pip install "transfermodel[local]". To use a cluster, `kubectl apply` the file there.',
        )


def inherited_environment() -> dict[str, str]:
    """Return this process's environment without what speaks to a trainer or predictor."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRANSFERMODEL_")}


def trainer_environment(request: RunRequest) -> dict[str, str]:
    """Return what any of the trainer's programs needs: its request, the keys of stores, and the user's own caches."""
    environment = inherited_environment()
    cache = environment.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    keys = {DATA_CREDENTIALS_PREFIX + key: environment[key] for key in KEYS if environment.get(key)}
    return (
        environment
        | keys
        | {
            REQUEST_VARIABLE: request.model_dump_json(by_alias=True, exclude_none=True),
            "XDG_CACHE_HOME": cache,
            "TORCH_HOME": environment.get("TORCH_HOME") or f"{cache}/torch",
        }
    )


def start(
    module: str, environment: Mapping[str, str], log: Path, *, keep: Sequence[IO[bytes]] = (), read: bool = False
) -> subprocess.Popen[str]:
    """Start `python -m module`; it ends with this process at the latest.

    Args:
        module: what to run.
        environment: all of its environment.
        log: where its words are appended to.
        keep: open files, such as locks, that it inherits.
        read: its stdout is for us to read instead.
    """
    with log.open("ab") as file:
        return subprocess.Popen(
            # -P: the user's working directory may hold a random.py or a torch/ of their own.
            [sys.executable, "-P", "-m", "transfermodel.child", module],
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if read else file,
            stderr=file,
            pass_fds=[kept.fileno() for kept in keep],
            # The terminal's Ctrl-C is for this process, which tells the child.
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )


def stop(process: "subprocess.Popen[str]") -> None:
    """End a child: politely, then not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
