"""One API server for all tests of this folder, with Kubernetes' own controllers and the project's CRD."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from devcluster import apiserver
from transfermodel_operator.crd import custom_resource_definition


@pytest.fixture(scope="session")
def api_server() -> Iterator[apiserver.Server]:
    """Start etcd, kube-apiserver and kube-controller-manager on loopback, with the CRD established."""
    with apiserver.running(controllers=True) as server:
        kubectl(server, "apply", "--server-side", "-f", "-", stdin=json.dumps(custom_resource_definition()))
        kubectl(
            server, "wait", "--for=condition=Established", "crd/transfermodels.transferlearning.dev", "--timeout=30s"
        )
        yield server


def kubectl(server: apiserver.Server, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl as the administrator and return what it printed."""
    command = [str(server.programs / "kubectl"), "--kubeconfig", str(server.kubeconfig), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=60).stdout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if "tests/api/" in item.nodeid:
            item.add_marker(pytest.mark.api)
