"""The InferenceService of one version; only typed fields of KServe are written."""

import json
from typing import Any, Final

from transfermodel_operator.api.spec import Output, Serving
from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources import containers, names
from transfermodel_operator.resources.quantities import parse_quantity
from transfermodel_operator.settings import Settings
from transfermodel_operator.versions import Version

PORT: Final = 8080


def inference_service(
    model: Manifest, version: Version, serving: Serving, output: Output | None, settings: Settings, percent: int
) -> Manifest:
    """Return the InferenceService that serves a version.

    Labels and annotations reach the Revisions, so nothing here may change without the predictor's spec changing too.
    """
    metadata = model["metadata"]
    name = metadata["name"]
    labels = {names.VERSION_LABEL: version.name, names.DIGEST_LABEL: names.short(version.digest)}
    predictor = predictor_spec(name, version, serving, output, settings)
    annotations = {
        "serving.kserve.io/deploymentMode": "Knative",
        "serving.kserve.io/enable-tag-routing": "true",
        names.SPEC_HASH_ANNOTATION: names.hash_of(json.dumps([labels, predictor], sort_keys=True))[:16],
    }
    return {
        "apiVersion": names.SERVING_API_VERSION,
        "kind": "InferenceService",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": names.labels(name, **labels),
            "annotations": annotations,
            "ownerReferences": names.owner_references(model),
        },
        "spec": {"predictor": predictor | {"canaryTrafficPercent": percent}},
    }


def predictor_spec(
    name: str, version: Version, serving: Serving, output: Output | None, settings: Settings
) -> dict[str, Any]:
    """Return the predictor's spec without its share of the traffic."""
    spec: dict[str, Any] = {
        "minReplicas": serving.min_replicas,
        "maxReplicas": serving.max_replicas,
        "containerConcurrency": serving.container_concurrency,
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": names.PREDICTOR_CONTAINER,
                "image": version.predictor_image,
                "imagePullPolicy": settings.image_pull_policy,
                "env": [
                    {"name": "TRANSFERMODEL_MODEL_NAME", "value": name},
                    {"name": "TRANSFERMODEL_ARTIFACT_URI", "value": version.uri},
                    {"name": "TRANSFERMODEL_ARTIFACT_DIGEST", "value": version.digest},
                    {"name": "TRANSFERMODEL_VERSION", "value": version.name},
                    *containers.credentials(output.credentials_secret_name if output else None),
                ],
                "ports": [{"containerPort": PORT, "protocol": "TCP"}],
                "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": PORT}},
                "resources": containers.resources(serving.resources, settings.predictor_resources),
                "securityContext": dict(containers.SECURITY_CONTEXT),
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in the pod
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    if serving.service_account_name:
        spec["serviceAccountName"] = serving.service_account_name
    return spec


def differs(desired: Any, live: Any, path: tuple[str, ...] = ()) -> bool:
    """Tell whether anything that we set is otherwise in the live object; what others add is theirs.

    KServe's webhook rewrites quantities to their canonical form, and adds defaults.
    """
    if isinstance(desired, dict):
        return not isinstance(live, dict) or any(
            differs(value, live.get(key), (*path, key)) for key, value in desired.items()
        )
    if isinstance(desired, list):
        if not isinstance(live, list) or len(desired) != len(live):
            return True
        return any(differs(ours, theirs, path) for ours, theirs in zip(desired, live, strict=True))
    if len(path) >= 2 and path[-2] in ("limits", "requests"):
        return live is None or parse_quantity(desired) != parse_quantity(live)
    return bool(desired != live)


def spec_differs(desired: Manifest, live: Manifest) -> bool:
    """Tell whether the live object is not what we want, its share of the traffic aside."""
    wanted = {key: value for key, value in desired["spec"]["predictor"].items() if key != "canaryTrafficPercent"}
    return (
        differs(desired["metadata"]["labels"], live["metadata"].get("labels"))
        or differs(desired["metadata"]["annotations"], live["metadata"].get("annotations"))
        or differs(wanted, (live.get("spec") or {}).get("predictor"))
    )
