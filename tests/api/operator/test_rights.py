"""The operator needs no right but those of the role that is installed with it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster.apiserver import Server
from tests.api.operator.conftest import Predictor
from tests.support.api_proxy import api_proxy
from tests.support.kubectl import kubectl
from tests.support.operator_process import OperatorProcess
from tests.support.played import World

NAMESPACE = "operator-rights"
NAME = "operator-rights"
OPERATOR = "transfermodel-operator"
USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"
RBAC = Path(__file__).parents[3] / "manifests" / "rbac.yaml"


@pytest.fixture
def role(api_server: Server) -> None:
    """Install the operator's roles under names of their own: other tests install the chart."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    items: list[dict[str, Any]] = [namespace]
    for item in yaml.safe_load_all(RBAC.read_text()):
        if item["metadata"]["name"] not in (OPERATOR, f"{OPERATOR}-lease"):
            continue  # the roles of people
        item["metadata"]["name"] = NAME
        if "namespace" in item["metadata"]:
            item["metadata"]["namespace"] = NAMESPACE
        if "roleRef" in item:
            item["roleRef"]["name"] = NAME
            item["subjects"] = [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]
        items.append(item)
    assert len(items) == 6, "role, cluster role, their bindings, service account, namespace"
    kubectl(api_server, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


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
