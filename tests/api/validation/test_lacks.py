"""What a cluster lacks for a run, asked of a real API server."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transfermodel.cluster import Cluster
from transfermodel.documents import Document, Target, check_text
from transfermodel.planning.cluster import in_cluster
from transfermodel.planning.types import InCluster

from devcluster import apiserver
from tests.support.kubectl import kubectl
from tests.support.waiting import wait_for

MODEL = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata: {name: flowers}
spec:
  task: ImageClassification
  backbone: {name: torchvision/resnet18, weights: {name: DEFAULT}}
  data: {train: {uri: s3://datasets/flowers}, credentialsSecretName: data-keys}
  output: {uri: s3://models, credentialsSecretName: output-keys}
"""
GPU = "  training: {resources: {limits: {nvidia.com/gpu: 2, memory: 4Gi}}}\n"


@pytest.fixture
def cluster(api_server: apiserver.Server) -> Cluster:
    """The bare API server: the CRD is there, and nothing else."""
    return Cluster.connect(api_server.kubeconfig)


@pytest.fixture
def namespace(api_server: apiserver.Server) -> Iterator[str]:
    """A namespace of its own."""
    name = f"plan-{uuid.uuid4().hex[:8]}"
    kubectl(api_server, "create", "namespace", name)
    yield name
    kubectl(api_server, "delete", "namespace", name, "--wait=false")


@pytest.fixture
def node(api_server: apiserver.Server) -> Iterator[str]:
    """A node with a little of everything and no GPU."""
    name = f"node-{uuid.uuid4().hex[:8]}"
    create(api_server, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"disk": name}}})
    amounts = {"cpu": "2", "memory": "2Gi", "pods": "10"}
    patch = json.dumps({"status": {"allocatable": amounts, "capacity": amounts}})
    kubectl(api_server, "patch", "node", name, "--subresource=status", "--type=merge", "-p", patch)
    yield name
    kubectl(api_server, "delete", "node", name)


def create(server: apiserver.Server, manifest: dict[str, Any]) -> None:
    kubectl(server, "create", "-f", "-", stdin=json.dumps(manifest))


def document(text: str = MODEL) -> Document:
    checked = check_text(text, Path("flowers.yaml"), Target.CLUSTER)
    assert checked.errors == ()
    return checked.documents[0]


def lacks(found: InCluster) -> dict[str, str]:
    return {advice.message: advice.remedy for advice in found.lacks}


def test_an_empty_namespace(cluster: Cluster, namespace: str) -> None:
    found = lacks(in_cluster(cluster, document(), namespace=namespace))
    assert list(found) == [
        f"No operator looks after namespace {namespace}.",
        f"There is no Secret data-keys in namespace {namespace}.",
        f"There is no Secret output-keys in namespace {namespace}.",
    ]
    assert found[f"No operator looks after namespace {namespace}."].startswith("Install the operator: helm install")
    assert f"-n {namespace}" in found[f"There is no Secret data-keys in namespace {namespace}."]


def test_no_namespace(cluster: Cluster) -> None:
    found = lacks(in_cluster(cluster, document(), namespace="nowhere"))
    assert found["There is no namespace nowhere."] == "Create it: kubectl create namespace nowhere"


def test_secrets(api_server: apiserver.Server, cluster: Cluster, namespace: str) -> None:
    key = ("create", "secret", "generic", "-n", namespace)
    kubectl(api_server, *key, "data-keys", "--from-literal=AWS_ACCESS_KEY_ID=a")
    kubectl(
        api_server,
        *(*key, "output-keys", "--from-literal=AWS_ACCESS_KEY_ID=a", "--from-literal=AWS_SECRET_ACCESS_KEY=b"),
        "--from-literal=AWS_ENDPOINT_URL=http://127.0.0.1:9",
    )
    found = in_cluster(cluster, document(), namespace=namespace)
    assert "Secret data-keys lacks AWS_SECRET_ACCESS_KEY." in lacks(found)
    assert "Secret output-keys" in found.has
    (unasked,) = [text for text in found.unknown if text.startswith("s3://models")]
    assert "does not answer" in unasked


def test_a_gpu_that_no_node_has(cluster: Cluster, namespace: str, node: str) -> None:
    selector = f"nodeSelector: {{disk: {node}}}"
    found = in_cluster(
        cluster, document(MODEL + GPU.replace("resources:", f"{selector}, resources:")), namespace=namespace
    )
    assert "The run needs GPU 2, and no node has one." in lacks(found)
    assert "The run needs memory 4.0Gi, and the largest node has 2.0Gi." in lacks(found)


def test_a_node_that_will_do(cluster: Cluster, namespace: str, node: str) -> None:
    text = MODEL + f"  training: {{nodeSelector: {{disk: {node}}}, resources: {{limits: {{memory: 1Gi}}}}}}\n"
    found = in_cluster(cluster, document(text), namespace=namespace)
    assert "a node with memory 1.0Gi, cpu 0.5" in found.has


def test_no_node_of_these_labels(cluster: Cluster, namespace: str, node: str) -> None:
    found = in_cluster(cluster, document(MODEL + "  training: {nodeSelector: {disk: none}}\n"), namespace=namespace)
    assert "No node has the labels disk=none." in lacks(found)


def test_a_quota(api_server: apiserver.Server, cluster: Cluster, namespace: str) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small", "namespace": namespace},
        "spec": {"hard": {"limits.memory": "1Gi", "requests.nvidia.com/gpu": "1"}},
    }
    create(api_server, quota)
    wait_for(
        lambda: "hard" in kubectl(api_server, "get", "quota", "small", "-n", namespace, "-o", "jsonpath={.status}"),
        timeout_seconds=30,
        what="the quota is counted",
    )
    found = lacks(in_cluster(cluster, document(MODEL + GPU), namespace=namespace))
    assert any(text.startswith("ResourceQuota small leaves limits.memory") for text in found)
    assert "ResourceQuota small leaves requests.nvidia.com/gpu 1; the run needs 2." in found


def test_a_base_that_is_not_there(cluster: Cluster, namespace: str) -> None:
    text = MODEL.replace("{name: torchvision/resnet18, weights: {name: DEFAULT}}", "{fromTransferModel: base}")
    sentence = "There is no TransferModel base, which flowers starts from."
    assert sentence in lacks(in_cluster(cluster, document(text), namespace=namespace))
    assert sentence not in lacks(in_cluster(cluster, document(text), namespace=namespace, with_it=["base"]))


def test_memory_that_the_run_would_exceed(cluster: Cluster, namespace: str) -> None:
    found = in_cluster(cluster, document(), namespace=namespace, estimate={"memoryBytes": 6 * 2**30})
    (advice,) = found.advice
    assert advice.message == "The training pod may use 4Gi of memory, and the run is estimated to need 6.0Gi."
    assert advice.remedy == "Set spec.training.resources.limits.memory: 8Gi."
