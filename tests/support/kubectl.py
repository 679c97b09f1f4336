"""kubectl against the tests' bare API server, and the way to what stands before it."""

import json
import subprocess
from pathlib import Path

from devcluster.apiserver import Server


def kubectl(server: Server, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl as the administrator and return what it printed."""
    command = [str(server.programs / "kubectl"), "--kubeconfig", str(server.kubeconfig), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=60).stdout


def plain_kubeconfig(server: str, file: Path) -> Path:
    """Write a kubeconfig for a server that asks for no credentials, such as the proxy; return its file."""
    name = "plain"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    file.write_text(json.dumps(config))
    return file
