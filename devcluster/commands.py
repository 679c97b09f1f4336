"""Run a program of the system and say clearly when it fails."""

import subprocess
from collections.abc import Sequence

from devcluster.errors import DevclusterError


def run(*command: str, text_input: str | None = None) -> str:
    """Run to the end.

    Returns:
        Its standard output.

    Raises:
        DevclusterError: it is not installed or failed; with what it said.
    """
    try:
        done = subprocess.run(command, input=text_input, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DevclusterError(f"{command[0]} is not installed") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise DevclusterError(f"`{' '.join(command)}` failed: {said}")
    return done.stdout


def succeeds(command: Sequence[str]) -> bool:
    """Whether a program is there and exits with 0."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
