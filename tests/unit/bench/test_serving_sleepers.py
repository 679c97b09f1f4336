"""The InferenceServices that are compared: alike in all but what is compared."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.bench.serving import sleepers

pytestmark = pytest.mark.unit


@pytest.fixture
def service() -> dict[str, Any]:
    """As the operator writes it, and KServe fills it in."""
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "resnet18",
            "namespace": "bench-1",
            "uid": "1-2-3",
            "labels": {"transferlearning.dev/transfermodel": "resnet18"},
            "annotations": {
                "serving.kserve.io/deploymentMode": "Knative",
                "transferlearning.dev/spec-hash": "0123",
            },
            "ownerReferences": [{"kind": "TransferModel", "name": "resnet18"}],
        },
        "spec": {
            "predictor": {
                "minReplicas": 0,
                "maxReplicas": 3,
                "containerConcurrency": 0,
                "canaryTrafficPercent": 100,
                "containers": [
                    {
                        "name": "kserve-container",
                        "image": "predictor:1",
                        "env": [
                            {"name": "TRANSFERMODEL_MODEL_NAME", "value": "resnet18"},
                            {"name": "TRANSFERMODEL_ARTIFACT_URI", "value": "s3://models/1"},
                        ],
                        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8080}},
                        "resources": sleepers.RESOURCES,
                        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True},
                    }
                ],
            }
        },
        "status": {"url": "http://resnet18.bench-1.localhost"},
    }


def test_a_copy_is_the_same_but_for_its_name_and_nobodys(service: dict[str, Any]) -> None:
    copied = sleepers.like(service, "resnet18-ours-1")
    assert copied["metadata"] == {
        "name": "resnet18-ours-1",
        "namespace": "bench-1",
        "annotations": {"serving.kserve.io/deploymentMode": "Knative"},
    }
    (container,), (original,) = (each["spec"]["predictor"]["containers"] for each in (copied, service))
    assert container["env"][0]["value"] == "resnet18-ours-1"
    assert original["env"][0]["value"] == "resnet18"
    assert container["env"][1:] == original["env"][1:]
    assert {key: value for key, value in container.items() if key != "env"} == {
        key: value for key, value in original.items() if key != "env"
    }
    assert "canaryTrafficPercent" not in copied["spec"]["predictor"]


def test_the_baseline_gets_the_same_resources_and_its_own_program(service: dict[str, Any]) -> None:
    made = sleepers.baseline(service, "resnet18-b0-1", "baseline:1", "resnet18")
    predictor, original = made["spec"]["predictor"], service["spec"]["predictor"]
    (container,) = predictor["containers"]
    assert {key: predictor[key] for key in ("minReplicas", "maxReplicas", "containerConcurrency")} == {
        key: original[key] for key in ("minReplicas", "maxReplicas", "containerConcurrency")
    }
    assert container["securityContext"] == {"runAsNonRoot": True, "readOnlyRootFilesystem": False}
    assert container["resources"] == original["containers"][0]["resources"]
    assert container["image"] == "baseline:1"
    assert container["args"] == [
        "--workers=1",
        "--http_port=8080",
        "--model_name=resnet18-b0-1",
        "--architecture=resnet18",
        "--weights=/weights/resnet18.pth",
        "--classes=10",
    ]
    assert not {"env", "readinessProbe"} & container.keys()


@pytest.mark.parametrize(
    ("seconds", "drains"), [(0.5, False), (2.5, True), (19.0, True), (21.0, False), (30.5, False), (40.0, False)]
)
def test_a_pod_that_drains_lets_another_one_wake_until_it_ends(seconds: float, drains: bool) -> None:
    told = datetime(2026, 1, 1, tzinfo=UTC)
    metadata = {"deletionTimestamp": "2026-01-01T00:05:00Z", "deletionGracePeriodSeconds": 300}
    assert sleepers.drains_on({"metadata": metadata}, told + timedelta(seconds=seconds)) is drains


def test_a_pod_that_serves_does_not_drain() -> None:
    assert not sleepers.drains_on({"metadata": {}}, datetime.now(UTC))
