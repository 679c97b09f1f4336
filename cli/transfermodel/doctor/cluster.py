"""The cluster itself: its versions, CRDs, operator, KServe and nodes. Pure."""

import json
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Final

from transfermodel_operator.crd import custom_resource_definition
from transfermodel_operator.resources.containers import GPU

from transfermodel.cluster.health import KSERVE_CRD, OUR_CRD, Health
from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.models import broken_operator
from transfermodel.cluster.reading import INSTALL
from transfermodel.doctor import supported
from transfermodel.doctor.deployments import deployed_version, is_available, look
from transfermodel.doctor.findings import Finding, about_cluster
from transfermodel.doctor.knative import ingress_class, judge_knative
from transfermodel.doctor.namespace import judge_namespace
from transfermodel.doctor.supported import is_older, shown, version_of

GPU_LABELS: Final = ("nvidia.com/gpu.present", "feature.node.kubernetes.io/pci-10de.present")
"""What node feature discovery writes on a node with a GPU, whether or not a device plugin runs there."""
DEVICE_PLUGIN: Final = "https://github.com/NVIDIA/k8s-device-plugin#quick-start"


def judge(health: Health) -> list[Finding]:
    """Return what is to be said about a cluster, in the order in which things would be installed."""
    return [
        *_kubernetes(health),
        *judge_knative(health),
        *_kserve(health),
        *_crd(health),
        *_operator(health),
        *_nodes(health),
        *judge_namespace(health),
        *_access(health),
    ]


def _kubernetes(health: Health) -> Iterator[Finding]:
    version = version_of(health.kubernetes)
    minimum = supported.KUBERNETES_MINIMUM
    if version is not None and is_older(version, minimum):
        text = f"{health.kubernetes} at {health.server} is too old: {shown(minimum)} or later is needed"
        yield about_cluster("Kubernetes", "error", text, f"Upgrade the cluster: {supported.KUBERNETES_GUIDE}")
    else:
        yield about_cluster("Kubernetes", "ok", f"{health.kubernetes} at {health.server}")


def _kserve(health: Health) -> Iterator[Finding]:
    subject, minimum = "KServe", supported.KSERVE_MINIMUM
    crd = health.crds.get(KSERVE_CRD)
    if health.missing(KSERVE_CRD):
        yield about_cluster(subject, "error", f"not installed (no {KSERVE_CRD})", *supported.INSTALL_KSERVE)
        return
    if crd is not None and not any(v["name"] == "v1beta1" and v["served"] for v in crd["spec"]["versions"]):
        yield about_cluster(subject, "error", "its CRD does not serve v1beta1", *supported.INSTALL_KSERVE)
        return
    controller = health.deployments.get("kserve-controller-manager")
    if controller is None:
        if "deployments" not in health.unread:
            yield about_cluster(subject, "error", "its controller is not installed", *supported.INSTALL_KSERVE)
        return
    version = deployed_version(controller)
    if not is_available(controller):
        yield about_cluster(subject, "error", "its controller does not run", *look(controller))
    elif version is not None and is_older(version, minimum):
        text = f"{shown(version)} is too old: {shown(minimum)} or later is needed"
        yield about_cluster(subject, "error", text, *supported.INSTALL_KSERVE)
    else:
        yield about_cluster(subject, "ok", shown(version) if version else "its controller runs")
    yield from _kserve_ingress(health, controller)


def _kserve_ingress(health: Health, controller: Manifest) -> Iterator[Finding]:
    try:
        settings: dict[str, Any] = json.loads(health.configs.get("inferenceservice-config", {}).get("ingress", "{}"))
    except ValueError:
        yield about_cluster(
            "KServe settings", "error", "`ingress` in inferenceservice-config is no JSON", *_edit(controller)
        )
        return
    istio = ingress_class(health) == supported.DEFAULT_INGRESS_CLASS
    if settings and not istio and not settings.get("disableIstioVirtualHost"):
        text = "it waits for Istio, but Knative's ingress is another: no model gets ready"
        remedy = 'in `ingress` of that ConfigMap set "disableIstioVirtualHost": true'
        yield about_cluster("KServe settings", "error", text, *_edit(controller), remedy)


def _edit(controller: Manifest) -> tuple[str, ...]:
    return (f"kubectl edit configmap/inferenceservice-config -n {controller['metadata']['namespace']}",)


def _crd(health: Health) -> Iterator[Finding]:
    subject = "TransferModel CRD"
    if health.missing(OUR_CRD):
        yield about_cluster(subject, "error", "not installed", INSTALL)
        return
    crd = health.crds.get(OUR_CRD)
    if crd is None:
        return
    established = any(
        c["type"] == "Established" and c["status"] == "True" for c in (crd.get("status") or {}).get("conditions") or []
    )
    if not established:
        why = "; ".join(str(c.get("message", "")) for c in (crd.get("status") or {}).get("conditions") or [])
        yield about_cluster(subject, "error", f"not served: {why}", f"kubectl describe crd {OUR_CRD}")
        return
    lacking = lacking_fields(schema_of(custom_resource_definition()), schema_of(crd), "")
    if lacking:
        text = f"older than this command: it does not know {', '.join(lacking[:4])}"
        namespace = health.operators[0].namespace if health.operators else "transfermodel-system"
        yield about_cluster(subject, "warning", text, supported.UPGRADE_CHART.format(namespace=namespace))
    else:
        yield about_cluster(subject, "ok", "installed, and knows every field that this command knows")


def schema_of(crd: Manifest) -> dict[str, Any]:
    """Return the schema of the newest served version."""
    served = [version for version in crd["spec"]["versions"] if version["served"]]
    return dict(served[-1]["schema"]["openAPIV3Schema"])


def lacking_fields(wanted: dict[str, Any], found: dict[str, Any], path: str) -> list[str]:
    """Return the fields that one schema has and the other has not."""
    if "items" in wanted:
        return lacking_fields(wanted["items"], found.get("items") or {}, path)
    there = found.get("properties") or {}
    lacking: list[str] = []
    for name, schema in (wanted.get("properties") or {}).items():
        below = f"{path}.{name}" if path else name
        lacking += lacking_fields(schema, there[name], below) if name in there else [below]
    return lacking


def _operator(health: Health) -> Iterator[Finding]:
    subject = "Operator"
    if health.operators is None:
        return
    if not health.operators:
        yield about_cluster(subject, "error", "not installed", INSTALL)
        return
    for operator in health.operators:
        if not operator.available:
            cause = broken_operator(operator)
            yield about_cluster(subject, "error", cause.message.rstrip("."), *cause.remedies)
            continue
        where = f"{operator.version or 'of an unknown version'} in namespace {operator.namespace}"
        if not operator.watches(health.namespace):
            text = f"{where} does not look after namespace {health.namespace} (watchNamespaces)"
            fix = f"helm upgrade … --set watchNamespaces={{{health.namespace},…}}"
            yield about_cluster(subject, "error", text, fix)
        elif operator.version and version_of(operator.version) != version_of(metadata.version("transfermodel")):
            text = f"{where}, while this command is {metadata.version('transfermodel')}"
            yield about_cluster(subject, "warning", text, f"pip install transfermodel=={operator.version}")
        else:
            yield about_cluster(subject, "ok", f"{where} runs")


def _nodes(health: Health) -> Iterator[Finding]:
    if not health.nodes:
        return
    unready = [node["metadata"]["name"] for node in health.nodes if not _is_ready(node)]
    if unready:
        remedy = f"kubectl describe node {unready[0]}"
        yield about_cluster(
            "Nodes", "warning", f"{len(unready)} of {len(health.nodes)} not ready: {', '.join(unready)}", remedy
        )
    else:
        yield about_cluster("Nodes", "ok", f"{len(health.nodes)} ready")
    gpus = {node["metadata"]["name"]: _gpus(node) for node in health.nodes}
    hidden = [
        node["metadata"]["name"]
        for node in health.nodes
        if not _gpus(node) and any((node["metadata"].get("labels") or {}).get(key) == "true" for key in GPU_LABELS)
    ]
    if hidden:
        text = f"{', '.join(hidden)} has a GPU that Kubernetes does not see: no device plugin runs there"
        yield about_cluster("GPU", "warning", text, f"Install the device plugin: {DEVICE_PLUGIN}")
    elif any(gpus.values()):
        yield about_cluster("GPU", "ok", ", ".join(f"{count} on {name}" for name, count in gpus.items() if count))
    else:
        yield about_cluster("GPU", "ok", "none: training runs on CPUs")


def _is_ready(node: Manifest) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _gpus(node: Manifest) -> int:
    return int(((node.get("status") or {}).get("allocatable") or {}).get(GPU, 0))


def _access(health: Health) -> Iterator[Finding]:
    if health.unread:
        text = f"you may not see {', '.join(health.unread)}; of those nothing is said"
        yield about_cluster("Access", "warning", text, "Run this as an administrator of the cluster")
