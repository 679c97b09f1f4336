"""The command as a real process, as a user's shell starts it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

DEADLINE_SECONDS = 240.0
REMEDY = re.compile(r"^→ [A-Z`\d]|: check |^  \S+:\d+:\d+: .+[.?]$", re.MULTILINE)
"""On a line of its own, in the sentence of the trainer, or in each finding about a file."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which is one JSON document."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one sentence of a failure.

        Raises:
            AssertionError: There is more than one error, no remedy, a traceback, or something on stdout.
        """
        assert self.out == "", self.out
        assert "Traceback" not in self.err, self.err
        assert len(re.findall(r"^error: .", self.err, re.MULTILINE)) == 1, self.err
        assert REMEDY.search(self.err), self.err
        return self.err


def environment(home: Path, changes: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Return an environment without a cluster, a workspace, keys or proxies; home: the user's folder."""
    dropped = ("TRANSFERMODEL_", "AWS_", "PYTEST", "KUBE", "HTTP", "http", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return kept | {"HOME": str(home), "XDG_CACHE_HOME": cache} | dict(changes)


def start(
    *arguments: str | Path,
    folder: Path,
    changes: Mapping[str, str] = MappingProxyType({}),
    program: tuple[str, ...] = ("-m", "transfermodel_cli"),
    **options: Any,
) -> subprocess.Popen[str]:
    """Start the command in a folder, which is the user's home as well."""
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        cwd=folder,
        env=environment(folder, changes),
        encoding="utf-8",
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
    )


def command(
    *arguments: str | Path, folder: Path, changes: Mapping[str, str] = MappingProxyType({}), **options: Any
) -> Ended:
    """Run the command to its end."""
    with start(*arguments, folder=folder, changes=changes, **options) as process:
        try:
            out, err = process.communicate(timeout=DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Ended(process.returncode, out or "", err)


def run_in(
    environment: Mapping[str, str],
    *arguments: str,
    folder: Path | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Ended:
    """Run the command to its end in exactly this environment; a traceback fails the test."""
    done = subprocess.run(
        [sys.executable, "-m", "transfermodel_cli", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=deadline_seconds,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)
