"""The operator needs no right but those of the role that is installed with it."""

from pathlib import Path
from typing import Any

import pytest

from devcluster.apiserver import Server
from tests.api.operator.conftest import Predictor
from tests.support.api_proxy import api_proxy
from tests.support.kubectl import kubectl
from tests.support.operator_process import OperatorProcess
from tests.support.played import World

NAMESPACE = "transfermodel-system"
USER = f"system:serviceaccount:{NAMESPACE}:transfermodel-operator"
MANIFESTS = Path(__file__).parents[3] / "manifests"


@pytest.fixture
def role(api_server: Server) -> None:
    """Install the operator's roles as people do."""
    for name in ("namespace.yaml", "rbac.yaml"):
        kubectl(api_server, "apply", "-f", str(MANIFESTS / name))


async def test_with_the_rights_of_its_role(
    tmp_path: Path, role: None, api_server: Server, played: World, predictor: Predictor, spec: dict[str, Any]
) -> None:
    async with api_proxy(api_server.kubeconfig, user=USER) as proxy:
        service = rf"^GET /api/v1/namespaces/{played.namespace}/services/"
        proxy.answers[service] = predictor.service
        process = OperatorProcess(tmp_path, proxy.url, played.namespace, lease_namespace=NAMESPACE)
        async with process as operator:
            await played.apply("digits", spec)
            await played.wait_ready("digits")
            # A run that is stopped, a base, a pod without a log, an InferenceService that goes.
            played.train = lambda request: None
            await played.edit("digits", {"spec": {"training": {"seed": 1}}})
            await played.wait_reason("digits", "Trained", "Running")
            await played.edit("digits", {"spec": {"suspend": True, "serving": {"mode": "None"}}})
            await played.wait_reason("digits", "Trained", "Suspended")
            follower = spec | {"backbone": {"fromTransferModel": "digits"}, "serving": {"mode": "None"}}
            await played.apply("follower", follower)
            await played.wait_reason("follower", "Trained", "Running")
            assert operator.running
        refused = {str(request) for request in proxy.requests if request.status == 403}
        assert not refused
        asked = {request.path.split("?")[0].rsplit("/", 1)[-1] for request in proxy.requests}
        assert {"log", "status", "jobs", "controllerrevisions", "events"} <= asked
