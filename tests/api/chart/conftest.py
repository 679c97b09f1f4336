"""Fixtures of the tests of the chart."""

import pytest

from devcluster import apiserver
from tests.support.api_server import ApiServer


@pytest.fixture(scope="session")
def cluster(api_server: apiserver.Server) -> ApiServer:
    """The session's API server, by kubectl."""
    return ApiServer(api_server.kubeconfig, api_server.programs / "kubectl")
