"""The API server's verdict about a YAML text, as it stands."""

import base64
import ssl
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from devcluster import apiserver

Verdict = tuple[bool, str]
"""Whether it is accepted, and what the API server said."""
Ask = Callable[[str], Verdict]


@pytest.fixture(scope="session")
def ask(api_server: apiserver.Server) -> Iterator[Ask]:
    """Create strictly, by dry run, what a YAML text says; the API server itself reads the YAML."""
    config = yaml.safe_load(api_server.kubeconfig.read_text())
    with httpx.Client(base_url=api_server.url, verify=_trust(config), timeout=30) as client:

        def ask(text: str) -> Verdict:
            answer = client.post(
                "/apis/transferlearning.dev/v1alpha1/namespaces/default/transfermodels",
                params={"dryRun": "All", "fieldValidation": "Strict"},
                headers={"Content-Type": "application/yaml", "Accept": "application/json"},
                content=text.encode(),
            )
            assert answer.status_code in (201, 400, 403, 409, 413, 422, 500), answer.text
            said = answer.json()
            # It looks for one of the same name, such as another test's, only once everything else is right.
            if said.get("reason") == "AlreadyExists":
                return True, ""
            return answer.status_code == 201, said.get("message", "")

        yield ask


def _trust(config: dict[str, Any]) -> ssl.SSLContext:
    """Return the server's authority and the administrator's certificate of a kubeconfig."""
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "user.pem"
        parts = (user["client-certificate-data"], user["client-key-data"])
        certificate.write_bytes(b"\n".join(base64.b64decode(part) for part in parts))
        context.load_cert_chain(certificate)
    return context
