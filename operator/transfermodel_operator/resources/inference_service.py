"""The InferenceService of one version; only typed fields of KServe are written."""

import json
from typing import Any, Final

from transfermodel_operator.api.spec import Output, Serving
from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources import containers, gpus, names
from transfermodel_operator.resources.observation import observation
from transfermodel_operator.resources.quantities import parse_quantity
from transfermodel_operator.resources.revision_settings import (
    FIRST_FORMAT_WITHOUT_VOLUME,
    probes,
    resources,
    scaling,
)
from transfermodel_operator.versions import Version

PORT: Final = 8080


def inference_service(
    model: Manifest, version: Version, serving: Serving, output: Output | None, percent: int
) -> Manifest:
    """Return the InferenceService that serves a version.

    Labels and annotations reach the Revisions, so nothing here may change without the predictor's spec changing too.
    """
    metadata = model["metadata"]
    name = metadata["name"]
    labels = {names.VERSION_LABEL: version.name, names.DIGEST_LABEL: names.short(version.digest)}
    predictor = predictor_spec(metadata, version, serving, output)
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


def predictor_spec(metadata: Manifest, version: Version, serving: Serving, output: Output | None) -> dict[str, Any]:
    """Return the predictor's spec without its share of the traffic; metadata: of the TransferModel."""
    amounts = resources(version, serving)
    volumes, mounts = scratch(version, amounts)
    spec: dict[str, Any] = {
        "minReplicas": serving.min_replicas,
        "maxReplicas": serving.max_replicas,
        "containerConcurrency": serving.container_concurrency,
        **scaling(version, serving),
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": names.PREDICTOR_CONTAINER,
                "image": gpus.image(version, amounts),
                "imagePullPolicy": version.predictor["imagePullPolicy"],
                "env": [
                    {"name": "TRANSFERMODEL_MODEL_NAME", "value": metadata["name"]},
                    {"name": "TRANSFERMODEL_ARTIFACT_URI", "value": version.uri},
                    {"name": "TRANSFERMODEL_ARTIFACT_DIGEST", "value": version.digest},
                    {"name": "TRANSFERMODEL_VERSION", "value": version.name},
                    *precision(serving),
                    *gpus.environment(version, amounts),
                    *observation(version, metadata["namespace"]),
                    *containers.credentials(output.credentials_secret_name if output else None, [version.uri]),
                ],
                "ports": [{"containerPort": PORT, "protocol": "TCP"}],
                **probes(version, PORT),
                "resources": amounts,
                "securityContext": dict(containers.SECURITY_CONTEXT),
                **mounts,
            }
        ],
        **volumes,
    }
    if serving.service_account_name:
        spec["serviceAccountName"] = serving.service_account_name
    return spec


def scratch(version: Version, amounts: gpus.Amounts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the pod's volumes and the container's mounts: a folder to write to, where something is written.

    The predictor writes nothing, and a pod without volumes starts 0.3 s earlier: the kubelet looks whether they are
    there, and looks again after 0.3 s. CUDA keeps what it compiles.
    """
    if version.format >= FIRST_FORMAT_WITHOUT_VOLUME and not gpus.asked_for(amounts):
        return {}, {}
    return (
        {"volumes": [{"name": "tmp", "emptyDir": {}}]},
        {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]},  # noqa: S108 - in the pod
    )


def precision(serving: Serving) -> list[dict[str, str]]:
    """Return what tells the predictor to compute with integers; nothing is said of what it does anyway."""
    if serving.precision == "Float32":
        return []
    return [{"name": "TRANSFERMODEL_PRECISION", "value": serving.precision}]


def differs(desired: Any, live: Any, path: tuple[str, ...] = ()) -> bool:
    """Tell whether anything that we set is otherwise in the live object; what others add is theirs.

    KServe's webhook rewrites quantities to their canonical form, and adds defaults.
    """
    if isinstance(desired, dict):
        return not isinstance(live, dict) or any(
            differs(value, live.get(key), (*path, key)) for key, value in desired.items()
        )
    if isinstance(desired, list):
        return not isinstance(live, list) or list_differs(desired, live, path)
    if len(path) >= 2 and path[-2] in ("limits", "requests"):
        return live is None or parse_quantity(desired) != parse_quantity(live)
    return bool(desired != live)


def list_differs(desired: list[Any], live: list[Any], path: tuple[str, ...]) -> bool:
    """Compare lists: of named objects each of ours, of other things the whole."""
    if not all(isinstance(entry, dict) and "name" in entry for entry in desired):
        return len(desired) != len(live) or any(differs(a, b, path) for a, b in zip(desired, live, strict=True))
    named = {entry.get("name"): entry for entry in live if isinstance(entry, dict)}
    return any(differs(entry, named.get(entry["name"]), path) for entry in desired)


def spec_differs(desired: Manifest, live: Manifest) -> bool:
    """Tell whether the live object is not what we want, its share of the traffic aside."""
    wanted = {key: value for key, value in desired["spec"]["predictor"].items() if key != "canaryTrafficPercent"}
    return (
        differs(desired["metadata"]["labels"], live["metadata"].get("labels"))
        or differs(desired["metadata"]["annotations"], live["metadata"].get("annotations"))
        or differs(wanted, (live.get("spec") or {}).get("predictor"))
    )
