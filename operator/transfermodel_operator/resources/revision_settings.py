"""How Knative scales and probes the revisions of a version: what the version remembers of it, what the user sets."""

from typing import Any, Final

from transfermodel_operator.api.spec import Resources, Serving
from transfermodel_operator.resources import containers, names
from transfermodel_operator.versions import Version

FORMAT: Final = 3
"""How InferenceServices are built now; recorded with each version.

A changed spec is a new Revision with new pods. So a version is built for ever as on its first day, and an upgrade of
the operator starts no pod. What would change the spec of versions that are there is a new format, and the former stay.

1: minReplicas, maxReplicas, containerConcurrency and a readiness probe.
2: target, initial scale, progress deadline, minReplicas as an annotation, a liveness probe, no request without a limit.
3: no volume, but with a GPU.
"""

FIRST_FORMAT_WITH_SETTINGS: Final = 2
FIRST_FORMAT_WITHOUT_VOLUME: Final = 3

READY: Final = "/v2/health/ready"
LIVE: Final = "/v2/health/live"

# Knative's queue-proxy asks in the kubelet's place. A period that is not set would be the kubelet's 10 s: one probe
# missed while the predictor starts, and the pod counts as ready that much later.
READINESS_PERIOD_SECONDS: Final = 1


def scaling(version: Version, serving: Serving) -> dict[str, Any]:
    """Return the part of the predictor's spec that Knative's autoscaler reads."""
    annotations: dict[str, str] = {}
    settings: dict[str, Any] = {}
    remembered = version.predictor
    if version.format >= FIRST_FORMAT_WITH_SETTINGS:
        annotations = {
            # Whatever the cluster's default: a revision without a pod would be ready without having proved anything.
            "autoscaling.knative.dev/initial-scale": "1",
            "serving.knative.dev/progress-deadline": f"{remembered['progressDeadlineSeconds']}s",
        }
        if not serving.container_concurrency:  # which is the target itself where there is one
            settings = {"scaleMetric": "concurrency", "scaleTarget": remembered["targetConcurrency"]}
    if version.format >= FIRST_FORMAT_WITH_SETTINGS or serving.warm:
        annotations[names.MIN_REPLICAS_ANNOTATION] = str(serving.min_replicas)
    if serving.scale_down_delay_seconds:
        annotations["autoscaling.knative.dev/scale-down-delay"] = f"{serving.scale_down_delay_seconds}s"
    return settings | ({"annotations": annotations} if annotations else {})


def resources(version: Version, serving: Serving) -> dict[str, dict[str, str]]:
    """Return the compute resources of the predictor's container."""
    defaults = Resources.model_validate(version.predictor["resources"])
    if version.format < FIRST_FORMAT_WITH_SETTINGS:
        return containers.resources(serving.resources, defaults)
    return containers.whole_resources(serving.resources, defaults)


def probes(version: Version, port: int) -> dict[str, Any]:
    """Return the predictor's probes.

    There is no startup probe: with one the activator waits for the kubelet's word, once a second, in place of its own
    probe five times a second.
    """
    readiness = {"httpGet": {"path": READY, "port": port}, "periodSeconds": READINESS_PERIOD_SECONDS}
    if version.format < FIRST_FORMAT_WITH_SETTINGS:
        return {"readinessProbe": readiness}
    return {
        # On a node that has no time an answer may take longer than a second, and a pod that is taken out of the traffic
        # for it makes the others no faster.
        "readinessProbe": readiness | {"timeoutSeconds": 3},
        # Far from impatient: only a process that hangs for a minute is ended. It answers while the model is loading.
        "livenessProbe": {
            "httpGet": {"path": LIVE, "port": port},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
    }
