"""Programs that are run for their effect, and whose output matters only when they fail."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from devcluster import paths
from devcluster.errors import DevclusterError

TAIL_LINES = 25


def run(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed.

    Raises:
        DevclusterError: it failed; the message ends with its last lines.
    """
    done = subprocess.run(
        list(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        if "no space left on device" in done.stdout:
            raise DevclusterError(
                f"the disk of {paths.CACHE} is full: the trainer's image alone needs up to 24 GB while it is built and "
                "imported; make room, or choose another folder with TRANSFERMODEL_CACHE, and run this again"
            )
        tail = "\n".join(done.stdout.splitlines()[-TAIL_LINES:])
        raise DevclusterError(f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{tail}")
    return done.stdout
