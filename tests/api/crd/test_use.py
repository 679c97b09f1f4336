"""The resource as people and the operator use it: explain, columns, short name, the status subresource."""

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.support.api_server import ApiServer, Manifest

STATUS: Manifest = {
    "observedGeneration": 1,
    "stage": "Training",
    "conditions": [
        {
            "type": "Ready",
            "status": "False",
            "reason": "Running",
            "message": "Epoch 3 of 8.",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": 1,
        }
    ],
    "training": {"run": "5f0c", "attempt": 1, "epoch": 3, "epochs": 8, "percent": 37, "etaSeconds": 42, "loss": "0.31"},
    "versions": [
        {
            "name": f"v{number}",
            "digest": "sha256:0",
            "uri": "s3://models/a",
            "metrics": {"accuracy": accuracy},
            "state": state,
            "createdAt": "2026-01-01T00:00:00Z",
        }
        for number, accuracy, state in ((1, "0.71", "Retired"), (2, "0.83", "Live"))
    ],
    "serving": {"version": "v2", "revision": "a-predictor-00002", "verifiedAt": "2026-01-01T00:00:00Z"},
    "url": "http://a-predictor.demo.example.com",
    "usage": {"trainingSeconds": 12},
}


@pytest.fixture
def name(cluster: ApiServer) -> Iterator[str]:
    """A TransferModel's name."""
    name = f"model-{uuid.uuid4().hex[:8]}"
    manifest = {
        "apiVersion": "transferlearning.dev/v1alpha1",
        "kind": "TransferModel",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "task": "ImageClassification",
            "backbone": {"fromTransferModel": "base"},
            "data": {"train": {"uri": "s3://datasets/train"}},
        },
    }
    cluster.created(manifest)
    yield name
    cluster.kubectl("delete", "tm", name)


def patch_status(cluster: ApiServer, name: str, status: Manifest) -> None:
    patch = json.dumps({"status": status})
    cluster.kubectl("patch", "tm", name, "--subresource=status", "--type=merge", "-p", patch)


def get(cluster: ApiServer, name: str) -> Manifest:
    return dict(json.loads(cluster.kubectl("get", "tm", name, "-o", "json")))


def test_explain_tells_what_a_field_means(cluster: ApiServer) -> None:
    text = " ".join(cluster.kubectl("explain", "tm.spec.training").split())
    assert "How and where the training run happens." in text
    assert "strategy <string> enum: FeatureExtraction, FineTuning, Auto FeatureExtraction learns a new head" in text
    assert "maxDurationSeconds <integer>" in text


def test_every_field_is_explained(cluster: ApiServer) -> None:
    assert "<no description>" not in cluster.kubectl("explain", "tm", "--recursive=false")
    served = json.loads(cluster.kubectl("get", "crd", "transfermodels.transferlearning.dev", "-o", "json"))
    schema = served["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    def unexplained(node: Manifest, path: str) -> list[str]:
        found = []
        for field, child in node.get("properties", {}).items():
            if not child.get("description"):
                found.append(f"{path}.{field}")
            found += unexplained(child, f"{path}.{field}")
        return found + (unexplained(node["items"], f"{path}[]") if "items" in node else [])

    assert unexplained(schema["properties"]["spec"], "spec") == []
    assert unexplained(schema["properties"]["status"], "status") == []


def test_the_columns(cluster: ApiServer, name: str) -> None:
    patch_status(cluster, name, STATUS)
    header, row = cluster.kubectl("get", "tm", name).splitlines()
    assert header.split() == ["NAME", "STAGE", "PROGRESS", "ACCURACY", "READY", "URL", "AGE"]
    assert row.split()[:-1] == [name, "Training", "37", "0.83", "False", "http://a-predictor.demo.example.com"]


def test_the_columns_of_a_new_object(cluster: ApiServer, name: str) -> None:
    _, row = cluster.kubectl("get", "tm", name).splitlines()
    assert row.split()[0] == name


def test_a_short_name_of_its_own(cluster: ApiServer, name: str) -> None:
    """`tm` is that of KServe's TrainedModel too, which comes first."""
    assert name in cluster.kubectl("get", "tlm")


def test_the_category_lists_it(cluster: ApiServer, name: str) -> None:
    assert name in cluster.kubectl("get", "ml")


def test_status_is_apart_from_spec(cluster: ApiServer, name: str) -> None:
    patch_status(cluster, name, STATUS)
    seen = get(cluster, name)
    assert seen["status"] == STATUS
    assert seen["metadata"]["generation"] == 1
    cluster.kubectl("patch", "tm", name, "--type=merge", "-p", '{"spec":{"suspend":true},"status":{"stage":"Failed"}}')
    seen = get(cluster, name)
    assert seen["status"] == STATUS
    assert seen["metadata"]["generation"] == 2


def test_status_keys_go_by_null(cluster: ApiServer, name: str) -> None:
    patch_status(cluster, name, STATUS)
    patch_status(cluster, name, {"training": {"epoch": None}, "url": None})
    status = get(cluster, name)["status"]
    assert "url" not in status
    assert "epoch" not in status["training"]
    assert status["training"]["percent"] == 37
