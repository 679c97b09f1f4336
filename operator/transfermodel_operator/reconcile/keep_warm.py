"""Pods for the hours of spec.serving.warm, without a new revision at each of their edges.

KServe's minReplicas is part of the revision, and a changed one is a new revision with new pods. Knative's autoscaler
reads the minimum from the annotations of a Revision that is there, and they never reach its pods: so the annotation is
what is written.
"""

from transfermodel_operator.api import ConditionType, Reason
from transfermodel_operator.findings import failed
from transfermodel_operator.observed import Manifest
from transfermodel_operator.reconcile.visit import Visit
from transfermodel_operator.resources import names
from transfermodel_operator.revisions import read_rollout

MIN_SCALE = "autoscaling.knative.dev/min-scale"
MAX_SCALE = "autoscaling.knative.dev/max-scale"


def keep_warm(visit: Visit, live: Manifest) -> None:
    """Give the revision that serves, and a candidate that is ready to, the pods that the hour asks for."""
    if visit.warmth.until is not None:
        visit.again((visit.warmth.until - visit.now).total_seconds())
    rollout = read_rollout(live, visit.observed.revisions)
    for name in sorted({rollout.serving, rollout.ready} - {None}, key=str):
        revision = rollout.revisions.get(str(name))
        if revision is not None:
            scale(visit, revision)


def scale(visit: Visit, revision: Manifest) -> None:
    """Plan the write of one Revision's minimum, unless it is right already."""
    metadata = revision["metadata"]
    annotations = metadata.get("annotations") or {}
    own = annotations.get(names.MIN_REPLICAS_ANNOTATION)
    if own is None:
        return  # of a time before there were windows
    # Knative refuses a minimum above the maximum; that of an older revision may be lower than the spec's.
    most = int(annotations.get(MAX_SCALE) or 0) or visit.warmth.replicas
    wanted = str(max(int(own), min(visit.warmth.replicas, most)))
    if annotations.get(MIN_SCALE) == wanted:
        return
    manifest = {
        "apiVersion": names.REVISION_API_VERSION,
        "kind": "Revision",
        # With its uid it is no apply that could create one.
        "metadata": {
            "name": metadata["name"],
            "namespace": visit.namespace,
            "uid": metadata["uid"],
            "annotations": {MIN_SCALE: wanted},
        },
    }
    refusal = visit.refusal(manifest)
    if refusal is None:
        visit.applies.append(manifest)
    elif visit.findings[ConditionType.SERVING].status == "True":
        message = (
            f"It serves, but Knative does not take the {wanted} pods that spec.serving.warm asks for: "
            f"{refusal.message.rstrip('.')}. Have the platform's owner look at the operator's rights and at Knative's "
            "webhook; it is tried again by itself"
        )
        visit.find(ConditionType.SERVING, failed(Reason.KNATIVE_UNAVAILABLE, message))
