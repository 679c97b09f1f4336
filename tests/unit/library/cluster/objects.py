"""Objects of a cluster as plain dicts, as little of each as is looked at."""

from datetime import UTC, datetime
from typing import Any

from transfermodel.cluster.surroundings import Operator, Surroundings

Manifest = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
CREATED = "2026-01-01T11:00:00Z"


def model(spec: Manifest | None = None, status: Manifest | None = None, **metadata: Any) -> Manifest:
    """A TransferModel of generation 1."""
    whole = {"name": "digits", "namespace": "demo", "uid": "u1", "generation": 1, "creationTimestamp": CREATED}
    return {"metadata": whole | metadata, "spec": spec or {}, "status": status or {}}


def condition(kind: str, status: str, reason: str, message: str = "Words.") -> Manifest:
    """A condition of generation 1."""
    return {"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 1} | {
        "lastTransitionTime": CREATED
    }


def seen(*conditions: Manifest, **status: Any) -> Manifest:
    """A status of generation 1."""
    return {"observedGeneration": 1, "conditions": list(conditions)} | status


def around(spec: Manifest | None = None, status: Manifest | None = None, **more: Any) -> Surroundings:
    """A TransferModel and what is around it."""
    return Surroundings(model(spec, status), **more)


def operator(*, available: bool = True, settings: str = "", replicas: int = 1, **labels: str) -> Operator:
    """An installed operator."""
    env = [{"name": "TRANSFERMODEL_OPERATOR_SETTINGS", "value": settings}] if settings else []
    containers = [{"name": "operator", "image": "operator:1", "env": env}]
    return Operator(
        {
            "metadata": {"name": "transfermodel-operator", "namespace": "system", "labels": labels},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": containers}}},
            "status": {"availableReplicas": 1} if available else {},
        }
    )


def pod(name: str = "digits-1", state: Manifest | None = None, *, trains: bool = True, **status: Any) -> Manifest:
    """A pod of training, or of serving."""
    container = "trainer" if trains else "kserve-container"
    labels = {"transferlearning.dev/transfermodel": "digits"} | ({"transferlearning.dev/run": "ab"} if trains else {})
    statuses = [{"name": container, "image": "image:1", "restartCount": 0, "state": state}] if state else []
    return {
        "metadata": {"name": name, "namespace": "demo", "uid": name, "labels": labels, "creationTimestamp": CREATED},
        "spec": {"containers": [{"name": "queue-proxy"}, {"name": container, "image": "image:1"}]},
        "status": {"phase": "Pending", "containerStatuses": statuses} | status,
    }


def event(reason: str, message: str, about: str = "Pod/digits-1", at: str = CREATED, **more: Any) -> Manifest:
    """An Event."""
    kind, _, name = about.partition("/")
    involved = {"kind": kind, "name": name}
    return {
        "metadata": {},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
    } | more
