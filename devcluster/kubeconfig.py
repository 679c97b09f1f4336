"""Kubeconfig files with everything embedded, so that they can be copied."""

import base64
import json
import os
from pathlib import Path

from devcluster.certificates import Pair


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
    text = json.dumps(content, indent=1)  # JSON is YAML
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".unfinished")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        unfinished.rename(path)
    return path


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
