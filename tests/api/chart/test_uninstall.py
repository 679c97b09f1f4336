"""helm uninstall takes the operator away and leaves what people made; helm install takes it up again."""

import json
from collections.abc import Iterator

import pytest

from devcluster import apiserver
from tests.support.api_server import ApiServer
from tests.support.charts import CHART, NAMESPACE, RELEASE, helm
from tests.support.waiting import wait_for

MODEL = {
    "apiVersion": "transferlearning.dev/v1alpha1",
    "kind": "TransferModel",
    "metadata": {"name": "digits", "namespace": "default"},
    "spec": {
        "task": "ImageClassification",
        "backbone": {"fromTransferModel": "base"},
        "data": {"train": {"uri": "s3://datasets/train"}},
    },
}


@pytest.fixture(scope="module")
def empty() -> Iterator[ApiServer]:
    """An API server of its own, where nothing is installed: the CRD is the release's."""
    with apiserver.running() as server:
        yield ApiServer(server.kubeconfig, server.programs / "kubectl")


def test_what_people_made_stays(empty: ApiServer) -> None:
    def leftovers() -> list[str]:
        kinds = "deployments,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings"
        names = empty.kubectl("get", kinds, "-n", NAMESPACE, "-o", "name").split()
        return [name for name in names if RELEASE in name]

    def uid() -> str:
        return empty.kubectl("get", "tm", "digits", "-n", "default", "-o", "jsonpath={.metadata.uid}")

    install = ("install", RELEASE, str(CHART), "-n", NAMESPACE, "--create-namespace")
    helm(*install, kubeconfig=empty.kubeconfig)
    wait_for(lambda: empty.ask("get", "tm").succeeded, timeout_seconds=30, what="transfermodels are served")
    empty.kubectl("apply", "-f", "-", stdin=json.dumps(MODEL))
    made = uid()
    assert leftovers()

    said = helm("uninstall", RELEASE, "-n", NAMESPACE, kubeconfig=empty.kubeconfig)
    assert "transfermodels.transferlearning.dev" in said
    assert leftovers() == []
    assert uid() == made

    helm(*install, kubeconfig=empty.kubeconfig)
    assert leftovers()
    assert uid() == made
