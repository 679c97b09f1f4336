"""The training pods of a run on the cluster: how far they are, and how to take them away."""

import contextlib
import json
from datetime import datetime

from kubernetes.client import V1Eviction, V1ObjectMeta
from kubernetes.client.exceptions import ApiException
from transfermodel_operator.api import RunProgress

from tests.support.specs import Manifest
from tests.support.stack import Workspace


def training_pods(workspace: Workspace) -> list[Manifest]:
    """Return all pods of Jobs, oldest first."""
    return sorted(workspace.pods("job-name"), key=lambda pod: pod["metadata"]["creationTimestamp"])


def running_pod(workspace: Workspace) -> str:
    """Return the name of the pod that trains, and that nobody has taken away yet; empty: none does."""
    for pod in training_pods(workspace):
        if pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp"):
            return str(pod["metadata"]["name"])
    return ""


def progress_of(workspace: Workspace, pod: str) -> list[RunProgress]:
    """Return what a pod has reported so far; nothing once it is gone."""
    try:
        log = workspace.stack.core.read_namespaced_pod_log(pod, workspace.namespace)
    except ApiException:
        return []
    found = []
    for line in log.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            found.append(RunProgress.model_validate(json.loads(line)["progress"]))
    return found


def evict(workspace: Workspace, pod: str) -> None:
    """Ask the API server for its eviction, as `kubectl drain` does."""
    body = V1Eviction(metadata=V1ObjectMeta(name=pod, namespace=workspace.namespace))
    workspace.stack.core.create_namespaced_pod_eviction(pod, workspace.namespace, body)


def seconds_of(pod: Manifest) -> float:
    """Return how long the container of a pod that has ended ran."""
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    started, finished = (datetime.fromisoformat(str(ended[key])) for key in ("startedAt", "finishedAt"))
    return (finished - started).total_seconds()
