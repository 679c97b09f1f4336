"""When a CRD or a Deployment counts as ready, and what is said of a pod that is not."""

from typing import Any

import pytest

from devcluster.addons.client import is_ready, pod_troubles


def deployment(**status: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}


ROLLED_OUT = {"observedGeneration": 2, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}


@pytest.mark.parametrize(
    ("change", "ready"),
    [
        ({}, True),
        ({"observedGeneration": 1}, False),  # the controller has not seen the change yet
        ({"updatedReplicas": 0}, False),  # only pods of the old template
        ({"replicas": 2}, False),  # an old pod is still there
        ({"availableReplicas": 0}, False),
    ],
)
def test_a_deployment_is_ready_when_its_newest_pods_are_all_there_is(change: dict[str, Any], ready: bool) -> None:
    assert is_ready(deployment(**(ROLLED_OUT | change))) is ready


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        (None, False),
        ([], False),
        ([{"type": "Established", "status": "False"}], False),
        ([{"type": "Established", "status": "True"}], True),
    ],
)
def test_a_crd_is_ready_when_it_is_served(conditions: Any, ready: bool) -> None:
    assert is_ready({"kind": "CustomResourceDefinition", "status": {"conditions": conditions}}) is ready


def test_what_is_not_there_is_not_ready() -> None:
    assert is_ready({}) is False


def test_a_pod_says_what_it_waits_for() -> None:
    waiting = {"waiting": {"reason": "ErrImageNeverPull", "message": "no such image"}}
    pod = {
        "metadata": {"namespace": "shop", "name": "web-1"},
        "status": {
            "conditions": [{"type": "PodScheduled", "status": "False", "message": "Insufficient cpu"}],
            "containerStatuses": [
                {"name": "web", "ready": False, "state": waiting},
                {"name": "log", "ready": True, "state": {"running": {}}},
            ],
        },
    }
    assert pod_troubles(pod) == [
        "pod shop/web-1: Insufficient cpu",
        "pod shop/web-1, web: ErrImageNeverPull no such image",
    ]
