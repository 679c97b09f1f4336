"""The load generator's process, from outside."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.serving.load.plan import Plan, Seen


@dataclass(frozen=True)
class Running:
    """A load that is being made."""

    plan: Plan
    process: subprocess.Popen[str]

    def seen(self) -> Seen:
        """Wait for its end, and return what it saw.

        Raises:
            RuntimeError: it ended otherwise, or not at all.
        """
        try:
            output, errors = self.process.communicate(timeout=self.plan.deadline_seconds)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"The load generator did not end within {self.plan.deadline_seconds:.0f} s.") from error
        if self.process.returncode != 0:
            raise RuntimeError(f"The load generator failed: {errors.strip().splitlines()[-1:] or 'it says nothing'}")
        return Seen(**json.loads(output))


@contextmanager
def running(plan: Plan) -> Iterator[Running]:
    """Start it; it is ended with the block, whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.serving.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    try:
        json.dump(plan.to_wire(), process.stdin)
        process.stdin.close()
        process.stdin = None  # communicate() would close it again
        yield Running(plan, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def run(plan: Plan) -> Seen:
    """Make a load, and return what it saw."""
    with running(plan) as load:
        return load.seen()
