"""Why a pod does not run, or ended: its status turned into sentences with a remedy."""

from typing import Any, Final

from transfermodel_operator.api import Reason
from transfermodel_operator.api.run import EXIT_INTERRUPTED
from transfermodel_operator.findings import Finding, failed
from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources.names import TRAINER_CONTAINER

PULL_FAILURES: Final = {
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
}
START_FAILURES: Final = {"CreateContainerError", "RunContainerError"}
LAST_WORDS: Final = 600
"""Characters of a container's last output that go into a message."""


def container_status(pod: Manifest, container: str) -> dict[str, Any]:
    """Return the status of one container, or {}."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((dict(status) for status in statuses if status["name"] == container), {})


def terminated(pod: Manifest, container: str) -> dict[str, Any] | None:
    """Return how a container ended, or None while it has not; a crash that was restarted counts."""
    status = container_status(pod, container)
    ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
    return dict(ended) if ended else None


def waits(pod: Manifest, container: str, settings_path: str) -> Finding | None:
    """Return why a pod's container cannot start, or None when nothing is known to be wrong.

    Args:
        pod: The pod.
        container: Name of its container.
        settings_path: The part of the spec that asks for its resources, such as spec.training.
    """
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            if "persistentvolumeclaim" in condition.get("message", "").lower():
                return failed(
                    Reason.VOLUME_NOT_READY,
                    f"The pod waits for its volume: {condition['message'].rstrip('.')}. Create the "
                    "PersistentVolumeClaim in this namespace and have it bound, or correct the pvc:// URI in "
                    "spec.data; it then starts by itself",
                )
            return failed(
                Reason.UNSCHEDULABLE,
                f"No node can take the pod: {condition.get('message', '').rstrip('.')}. "
                f"Ask for less in {settings_path}.resources, or add a node that has it",
            )
    state = (container_status(pod, container).get("state") or {}).get("waiting") or {}
    reason, message = state.get("reason", ""), str(state.get("message", "")).rstrip(".")
    if reason == "CreateContainerConfigError":
        return failed(
            Reason.SECRET_NOT_FOUND,
            f"The container cannot start: {message}. Create the Secret in this namespace with the keys "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or correct credentialsSecretName; it then starts by itself",
        )
    if reason in PULL_FAILURES:
        image = container_status(pod, container).get("image", "")
        message = message.rpartition("ErrImagePull: ")[2]  # the same words while it waits and while it tries again
        return failed(
            Reason.IMAGE_PULL_FAILED,
            f"The image {image} cannot be pulled: {message or reason}. "
            "The platform's owner must correct the chart's images, or give the node access to them",
        )
    if reason in START_FAILURES:
        return failed(Reason.RUN_FAILED, f"The container cannot start ({reason}): {message}")
    return None


def is_disrupted(pod: Manifest) -> bool:
    """Tell whether a training pod was, or is being, taken away: eviction, preemption, a node's shutdown, deletion."""
    return interrupted_at(pod) is not None


def interrupted_at(pod: Manifest) -> str | None:
    """Return when a training pod was taken away, as Kubernetes wrote it; None: it was not.

    Kubernetes marks what it takes away as the target of a disruption, often while it still runs. Who ends a pod without
    that mark sends SIGTERM too. Whoever was done before that was not interrupted.
    """
    ended = terminated(pod, TRAINER_CONTAINER) or {}
    if ended.get("exitCode") == 0:
        return None
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            return str(condition.get("lastTransitionTime") or pod["metadata"].get("creationTimestamp"))
    return str(ended["finishedAt"]) if ended.get("exitCode") == EXIT_INTERRUPTED else None


def last_words(message: str | None) -> str:
    """Return the end of a container's output, on one line."""
    text = " ".join((message or "").split())
    return text if len(text) <= LAST_WORDS else f"…{text[-LAST_WORDS:]}"
