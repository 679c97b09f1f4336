"""Kubeconfig files with everything embedded, so that they can be copied."""

import base64
from pathlib import Path

from devcluster.certificates import Pair
from devcluster.files import write_json


def write(path: Path, *, server: str, authority: Path, client: Pair, user: str) -> Path:
    """Write a kubeconfig that only its owner can read; an equal one is left alone."""
    name = "devcluster"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _encoded(authority)}}],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _encoded(client.certificate),
                    "client-key-data": _encoded(client.key),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    return write_json(path, content, mode=0o600)


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
