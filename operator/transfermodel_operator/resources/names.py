"""Every name, label and annotation of the objects that a TransferModel owns, in one place."""

import hashlib
from typing import Any, Final

from transfermodel_operator.api import API_VERSION, GROUP, KIND
from transfermodel_operator.observed import Manifest

FIELD_MANAGER: Final = "transfermodel-operator"

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MODEL_LABEL: Final = f"{GROUP}/transfermodel"
RUN_LABEL: Final = f"{GROUP}/run"
VERSION_LABEL: Final = f"{GROUP}/version"
DIGEST_LABEL: Final = f"{GROUP}/digest"

RUN_REQUESTED_ANNOTATION: Final = f"{GROUP}/run-requested"
"""On a TransferModel: any changed value retries a failed run. On a Job: the value that it was started with."""
ATTEMPT_ANNOTATION: Final = f"{GROUP}/attempt"
"""On a Job: how often its run was started, this time included."""
SPEC_HASH_ANNOTATION: Final = f"{GROUP}/spec-hash"
"""On a Job: hash of the user's spec that it was made from. On an InferenceService, and so on its Revisions: hash of the
spec that was applied, so that a field which is no longer wanted is noticed too."""
MIN_REPLICAS_ANNOTATION: Final = f"{GROUP}/min-replicas"
"""On a Revision, from its first moment on: the minReplicas that it was made for. Its min-scale follows the hour."""

REVISION_API_VERSION: Final = "serving.knative.dev/v1"
SERVING_API_VERSION: Final = "serving.kserve.io/v1beta1"
INFERENCE_SERVICE_LABEL: Final = "serving.kserve.io/inferenceservice"
"""KServe puts it on Revisions and predictor pods."""
REVISION_LABEL: Final = "serving.knative.dev/revision"
"""Knative puts it on predictor pods."""

TRAINER_CONTAINER: Final = "trainer"
PREDICTOR_CONTAINER: Final = "kserve-container"
"""KServe demands this name."""

LABEL_DIGITS: Final = 40


def short(digest: str) -> str:
    """Return as much of a hexadecimal digest as fits a label's 63 characters, without `sha256:`."""
    return digest.removeprefix("sha256:")[:LABEL_DIGITS]


def hash_of(*parts: str) -> str:
    """Return the SHA-256 of some strings, unambiguously joined, in hexadecimal."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def job_name(name: str, uid: str, run: str, attempt: int) -> str:
    """Return the Job's name: computed, so that creating it twice is creating it once."""
    return f"{name}-{hash_of(uid, run, str(attempt))[:10]}"


def version_name(number: int) -> str:
    """Return v1, v2, …."""
    return f"v{number}"


def controller_revision_name(name: str, number: int) -> str:
    """Return the name of the ControllerRevision that records a version."""
    return f"{name}-{version_name(number)}"


def labels(name: str, **more: str) -> dict[str, str]:
    """Return the labels of every child."""
    return {MANAGED_BY_LABEL: FIELD_MANAGER, MODEL_LABEL: name, **more}


def owner_references(model: Manifest) -> list[dict[str, Any]]:
    """Return the reference that makes the garbage collector delete a child with its TransferModel."""
    metadata = model["metadata"]
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": metadata["name"], "uid": metadata["uid"]}
    return [owner | {"controller": True}]


def controller_uid(manifest: Manifest) -> str | None:
    """Return the uid of the object that controls this one."""
    references = manifest["metadata"].get("ownerReferences") or []
    return next((str(reference["uid"]) for reference in references if reference.get("controller")), None)
