"""A bare API server as the tests see it: by kubectl."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    succeeded: bool
    output: str
    """Standard output and error."""


@dataclass(frozen=True)
class ApiServer:
    """A running API server and an administrator's way to it."""

    kubeconfig: Path
    program: Path

    def ask(self, *arguments: str, stdin: str | None = None) -> Answer:
        """Run kubectl; a failure is an answer too."""
        done = subprocess.run(
            [str(self.program), "--kubeconfig", str(self.kubeconfig), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Answer(done.returncode == 0, done.stdout + done.stderr)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl and return what it printed."""
        answer = self.ask(*arguments, stdin=stdin)
        assert answer.succeeded, f"kubectl {' '.join(arguments)}: {answer.output}"
        return answer.output

    def create(self, manifest: Manifest, *arguments: str) -> Answer:
        """Create an object, strictly: an unknown field is an error, as for every user of kubectl."""
        return self.ask("create", "--validate=strict", "-f", "-", *arguments, stdin=json.dumps(manifest))

    def created(self, manifest: Manifest, *arguments: str) -> Manifest:
        """Create an object and return it as the server keeps it."""
        answer = self.create(manifest, "--output", "json", *arguments)
        assert answer.succeeded, answer.output
        return dict(json.loads(answer.output))
