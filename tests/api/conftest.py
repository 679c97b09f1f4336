"""One API server for all tests of this folder, with Kubernetes' own controllers and the project's CRD."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from transfermodel_operator.crd import custom_resource_definition

from devcluster import apiserver
from tests.support.kubectl import kubectl
from tests.support.waiting import wait_for


@pytest.fixture(scope="session")
def api_server() -> Iterator[apiserver.Server]:
    """Start etcd, kube-apiserver and kube-controller-manager on loopback, with the CRD established."""
    with apiserver.running(controllers=True) as server:
        kubectl(server, "apply", "--server-side", "-f", "-", stdin=json.dumps(custom_resource_definition()))
        # Not `kubectl wait`: it fails while the CRD has no conditions yet, and Established is not yet served.
        wait_for(lambda: _served(server), timeout_seconds=30, what="transfermodels are served and explained")
        yield server


def _served(server: apiserver.Server) -> bool:
    """Tell whether the resource answers and its schema is published."""
    try:
        kubectl(server, "get", "transfermodels")
        kubectl(server, "explain", "transfermodels.spec")
    except subprocess.CalledProcessError:
        return False
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if "tests/api/" in item.nodeid:
            item.add_marker(pytest.mark.api)
