"""kubectl against the tests' bare API server."""

import subprocess

from devcluster.apiserver import Server


def kubectl(server: Server, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl as the administrator and return what it printed."""
    command = [str(server.programs / "kubectl"), "--kubeconfig", str(server.kubeconfig), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=60).stdout
