"""The Job of one training run."""

from typing import Any, Final

from transfermodel_operator.api import RunRequest, TransferModelSpec
from transfermodel_operator.api.run import (
    DATA_CREDENTIALS_PREFIX,
    EXIT_INTERRUPTED,
    EXIT_USER_ERROR,
    OUTPUT_CREDENTIALS_PREFIX,
    REQUEST_VARIABLE,
)
from transfermodel_operator.api.spec import Output
from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources import claims, containers, names
from transfermodel_operator.settings import Interruptible, Settings

BACKOFF_LIMIT: Final = 1
"""One more pod for what may have been chance; what storage refuses is retried by the operator, with more patience."""
EXIT_KILLED: Final = 137
"""128 + SIGKILL: how a container ends that used more memory than its limit."""
MAX_INTERRUPTIONS: Final = 20
"""Kubernetes has no counter for ignored failures, so the operator counts, and then suspends the Job."""
GRACE_SECONDS: Final = 30
"""Between SIGTERM and SIGKILL: the trainer takes a checkpoint to storage. More than that a spot node has not left: the
notice is of 30 seconds to two minutes. An edit or a deletion waits no longer, as the trainer goes when it is done."""


def training_job(
    model: Manifest,
    spec: TransferModelSpec,
    request: RunRequest,
    output: Output,
    settings: Settings,
    attempt: int,
    spec_hash: str,
) -> Manifest:
    """Return the Job that runs one attempt of a run."""
    metadata = model["metadata"]
    labels = names.labels(request.name, **{names.RUN_LABEL: names.short(request.run)})
    annotations = {names.ATTEMPT_ANNOTATION: str(attempt), names.SPEC_HASH_ANNOTATION: spec_hash}
    requested = (metadata.get("annotations") or {}).get(names.RUN_REQUESTED_ANNOTATION)
    if requested is not None:
        annotations[names.RUN_REQUESTED_ANNOTATION] = requested
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names.job_name(request.name, metadata["uid"], request.run, attempt),
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": names.owner_references(model),
        },
        "spec": {
            "backoffLimit": BACKOFF_LIMIT,
            "podFailurePolicy": {"rules": pod_failure_rules()},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(spec, request, output, settings)},
        },
    }


def pod_failure_rules() -> list[dict[str, Any]]:
    """Return what ends the Job at once, and what does not count; the first rule that matches decides.

    A user error comes first: it is one whatever happened to the pod. An evicted pod is killed too, so that rule
    precedes the one for memory. Not everybody who ends a pod marks it as disrupted (kubectl delete pod, a drain without
    evictions, an older kubelet that shuts its node down), but all send SIGTERM, and the trainer does not end itself so.
    """

    def exit_code(action: str, code: int) -> dict[str, Any]:
        codes = {"containerName": names.TRAINER_CONTAINER, "operator": "In", "values": [code]}
        return {"action": action, "onExitCodes": codes}

    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return [
        exit_code("FailJob", EXIT_USER_ERROR),
        disrupted,
        exit_code("Ignore", EXIT_INTERRUPTED),
        exit_code("FailJob", EXIT_KILLED),
    ]


def pod_spec(spec: TransferModelSpec, request: RunRequest, output: Output, settings: Settings) -> dict[str, Any]:
    """Return the training pod: no privilege, no token, a read-only root."""
    training, data, backbone = spec.training, spec.data, request.backbone
    sources = [source.uri for source in (data.train, data.validation, data.test) if source]
    inputs = [*sources, backbone.weights.uri if backbone.weights else None]
    artifacts = [output.uri, backbone.base.uri if backbone.base else None]
    mounted = claims.claims_of(data)
    spot = settings.interruptible if training.interruptible else Interruptible()
    optional = {
        "nodeSelector": spot.node_selector | (training.node_selector or {}),
        "tolerations": [toleration.to_wire() for toleration in (*(training.tolerations or []), *spot.tolerations)],
        "priorityClassName": training.priority_class_name,
        "serviceAccountName": training.service_account_name,
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": containers.USER,
            "runAsGroup": containers.USER,
            "fsGroup": containers.USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": names.TRAINER_CONTAINER,
                "image": settings.trainer_image,
                "imagePullPolicy": settings.image_pull_policy,
                "env": [
                    {"name": REQUEST_VARIABLE, "value": request.model_dump_json(by_alias=True, exclude_none=True)},
                    *containers.credentials(spec.data.credentials_secret_name, inputs, DATA_CREDENTIALS_PREFIX),
                    *containers.credentials(output.credentials_secret_name, artifacts, OUTPUT_CREDENTIALS_PREFIX),
                ],
                "resources": containers.resources(training.resources, settings.trainer_resources),
                "securityContext": dict(containers.SECURITY_CONTEXT),
                # A trainer that dies before it can write its outcome leaves its last lines in the pod's status.
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [
                    {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the pod
                    {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 - in the pod
                    *claims.mounts(mounted),
                ],
            }
        ],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "shm", "emptyDir": {"medium": "Memory"}},
            *claims.volumes(mounted),
        ],
    } | {key: value for key, value in optional.items() if value}


def suspension(job: Manifest) -> Manifest:
    """Return what, applied server-side, stops a Job for good and keeps it as the record of its run."""
    metadata = {key: job["metadata"][key] for key in ("name", "namespace", "uid")}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"suspend": True}}
