"""One namespace: storage credentials, quotas, images, and how its models are. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from transfermodel_operator.resources.quantities import parse_quantity
from transfermodel_operator.runs import pods as pod_words
from transfermodel_operator.settings import default_trainer_resources

from transfermodel.cluster.health import Health
from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.reading import main_container
from transfermodel.cluster.surroundings import Operator
from transfermodel.cluster.words import add_key, create_secret
from transfermodel.doctor.findings import Finding, about_cluster


def judge_namespace(health: Health) -> list[Finding]:
    """Return what is to be said about the namespace."""
    return [*_secrets(health), *_storage(health), *_quotas(health), *_images(health), *_models(health)]


def _secrets(health: Health) -> Iterator[Finding]:
    for name, secret in health.secrets.items():
        if secret is None:
            text = f"Secret {name} is missing in namespace {health.namespace}, and models there name it"
            yield about_cluster("Credentials", "error", text, create_secret(name, health.namespace))
        elif secret.missing:
            text = f"Secret {name} in namespace {health.namespace} lacks {' and '.join(secret.missing)}"
            yield about_cluster("Credentials", "error", text, add_key(name, health.namespace, secret.missing))
        else:
            yield about_cluster("Credentials", "ok", f"Secret {name} has the keys that are needed")


def _storage(health: Health) -> Iterator[Finding]:
    incomplete = {name for name, secret in health.secrets.items() if secret is None or secret.missing}
    for probe in health.storage:
        if probe.secret in incomplete:
            continue  # that was said
        if probe.problem:
            yield about_cluster("Storage", "error", f"{probe.uri}: {probe.problem.rstrip('.')}", probe.remedy)
        else:
            yield about_cluster("Storage", "ok", f"{probe.uri} answers and accepts the keys of Secret {probe.secret}")


def _settings(health: Health) -> Operator | None:
    watching = [operator for operator in health.operators or () if operator.watches(health.namespace)]
    return watching[0] if watching else None


def _quotas(health: Health) -> Iterator[Finding]:
    enforced = ((health.namespace_object or {}).get("metadata", {}).get("labels") or {}).get(
        "pod-security.kubernetes.io/enforce"
    )
    operator = _settings(health)
    settings = operator.settings if operator else None
    resources = (settings.trainer_resources if settings else default_trainer_resources()).to_wire()
    refusals = [text for quota in health.quotas for text in refused_by_quota(quota, resources, health.limit_ranges)]
    refusals += [text for limits in health.limit_ranges for text in refused_by_limits(limits, resources)]
    for text in refusals:
        remedy = f"kubectl describe resourcequota,limitrange -n {health.namespace}   # and have it raised"
        yield about_cluster("Quota", "error", text, remedy)
    if not refusals:
        security = f"Pod Security {enforced}, which our pods keep to" if enforced else "no Pod Security is enforced"
        count = len(health.quotas)
        quotas = f"{count} quota{'s' if count > 1 else ''} with room for a training pod" if count else "no quota"
        yield about_cluster("Namespace", "ok", f"{health.namespace}: {security}; {quotas}")


def refused_by_quota(quota: Manifest, resources: dict[str, Any], limit_ranges: tuple[Manifest, ...]) -> list[str]:
    """Return why a quota refuses a training pod with the default resources."""
    name = quota["metadata"]["name"]
    hard = (quota.get("status") or {}).get("hard") or (quota.get("spec") or {}).get("hard") or {}
    used = (quota.get("status") or {}).get("used") or {}
    refusals = []
    for key, limit in hard.items():
        needed = needed_of(key, resources, limit_ranges)
        if needed is None:
            continue
        if needed == 0 and key.startswith(("limits.", "requests.")) and key.partition(".")[2] in ("cpu", "memory"):
            refusals.append(
                f"ResourceQuota {name} demands {key} of every container, and by default a training pod has none: set "
                f"spec.training.resources.{key}, or a LimitRange with a default"
            )
        left = parse_quantity(limit) - parse_quantity(used.get(key, 0))
        if needed > left:
            refusals.append(
                f"ResourceQuota {name} leaves {key} {max(left, Decimal(0)):f}; a training pod needs {needed:f}"
            )
    return refusals


def needed_of(key: str, resources: dict[str, Any], limit_ranges: tuple[Manifest, ...]) -> Decimal | None:
    """Return how much of a quota's resource a training pod counts for; 0: it says nothing, None: it is no matter."""
    if key in ("pods", "count/pods", "count/jobs.batch"):
        return Decimal(1)
    kind, _, resource = key.partition(".") if key.startswith(("requests.", "limits.")) else ("requests", "", key)
    if resource not in ("cpu", "memory"):
        return None
    own = (resources.get(kind) or {}).get(resource)
    if own is None and kind == "requests":
        own = (resources.get("limits") or {}).get(resource)
    if own is None:
        own = _default_of(limit_ranges, "default" if kind == "limits" else "defaultRequest", resource)
    return parse_quantity(own) if own is not None else Decimal(0)


def _default_of(limit_ranges: tuple[Manifest, ...], field: str, resource: str) -> str | None:
    for limits in limit_ranges:
        for entry in (limits.get("spec") or {}).get("limits") or []:
            if entry.get("type") == "Container" and resource in (entry.get(field) or {}):
                return str(entry[field][resource])
    return None


def refused_by_limits(limit_range: Manifest, resources: dict[str, Any]) -> list[str]:
    """Return why a LimitRange refuses a training pod with the default resources."""
    refusals = []
    for entry in (limit_range.get("spec") or {}).get("limits") or []:
        if entry.get("type") not in ("Container", "Pod"):
            continue
        for resource, maximum in (entry.get("max") or {}).items():
            own = (resources.get("limits") or {}).get(resource)
            if own is not None and parse_quantity(own) > parse_quantity(maximum):
                refusals.append(
                    f"LimitRange {limit_range['metadata']['name']} allows {resource} {maximum}; by default a training "
                    f"pod has {own}: set spec.training.resources.limits.{resource}"
                )
    return refusals


def _images(health: Health) -> Iterator[Finding]:
    stuck = []
    operators = [pod for operator in health.operators or () for pod in operator.pods]
    for pod in (*operators, *health.pods):
        status = pod_words.container_status(pod, main_container(pod))
        waits = (status.get("state") or {}).get("waiting") or {}
        if waits.get("reason") in pod_words.PULL_FAILURES:
            stuck.append((pod, str(status.get("image", "")), str(waits.get("message", "")).rstrip(".")))
    for pod, image, why in stuck:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        text = f"pod {namespace}/{name} cannot pull {image}: {why}"
        fix = "helm upgrade … --reuse-values --set images.operator=… --set images.trainer=… --set images.predictor=…"
        yield about_cluster("Images", "error", text, f"kubectl describe pod {name} -n {namespace}", fix)
    absent = list(never_pulled(health))
    for image in absent:
        text = f"{image} is on no node, and the chart's pullPolicy is Never"
        yield about_cluster("Images", "error", text, "Load it into the nodes, or set images.pullPolicy to IfNotPresent")
    if not stuck and not absent and health.operators:
        yield about_cluster("Images", "ok", "no pod of ours waits for an image")


def never_pulled(health: Health) -> Iterator[str]:
    """Yield images of the chart that must be on the nodes and are not; a node tells of its fifty largest only."""
    operator = _settings(health)
    settings = operator.settings if operator else None
    if settings is None or settings.image_pull_policy != "Never" or not health.nodes:
        return
    there = [image for node in health.nodes for image in (node.get("status") or {}).get("images") or []]
    known = {name for image in there for name in image.get("names") or []}
    for image in (settings.trainer_image, settings.predictor_image, settings.predictor_gpu_image):
        if image is None:
            continue
        if len(there) < 50 * len(health.nodes) and not any(
            name == image or name.endswith(f"/{image}") for name in known
        ):
            yield image


def _models(health: Health) -> Iterator[Finding]:
    if not health.models:
        return
    unready = [model["metadata"]["name"] for model in health.models if not _is_ready(model)]
    if unready:
        text = f"{len(unready)} of {len(health.models)} not ready: {', '.join(sorted(unready)[:5])}"
        remedy = f"transfermodel describe {sorted(unready)[0]} -n {health.namespace}"
        yield about_cluster("Models", "warning", text, remedy)
    else:
        yield about_cluster("Models", "ok", f"{len(health.models)} ready")


def _is_ready(model: Manifest) -> bool:
    status = model.get("status") or {}
    current = status.get("observedGeneration") == model["metadata"].get("generation")
    return current and any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or [])
