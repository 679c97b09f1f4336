"""The cluster itself: its versions, CRDs, operator, Knative, KServe, ingress and nodes. Pure."""

import json
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Final

from transfermodel_operator.crd import custom_resource_definition
from transfermodel_operator.resources.containers import GPU

from transfermodel.cluster.health import KNATIVE_CRDS, KSERVE_CRD, OUR_CRD, Health
from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.models import broken_operator
from transfermodel.cluster.reading import INSTALL
from transfermodel.doctor import supported
from transfermodel.doctor.findings import Finding, Level
from transfermodel.doctor.namespace import judge_namespace
from transfermodel.doctor.supported import Version, is_older, shown, version_of

GPU_LABELS: Final = ("nvidia.com/gpu.present", "feature.node.kubernetes.io/pci-10de.present")
"""What node feature discovery writes on a node with a GPU, whether or not a device plugin runs there."""
EMPTY_DIR_FLAG: Final = "kubernetes.podspec-volumes-emptydir"
DEVICE_PLUGIN: Final = "https://github.com/NVIDIA/k8s-device-plugin#quick-start"


def judge(health: Health) -> list[Finding]:
    """Return what is to be said about a cluster, in the order in which things would be installed."""
    return [
        *_kubernetes(health),
        *_knative(health),
        *_ingress(health),
        *_kserve(health),
        *_crd(health),
        *_operator(health),
        *_nodes(health),
        *judge_namespace(health),
        *_access(health),
    ]


def finding(subject: str, level: Level, text: str, *remedies: str) -> Finding:
    """Return one finding about the cluster."""
    return Finding("cluster", subject, level, text, remedies)


def _kubernetes(health: Health) -> Iterator[Finding]:
    version = version_of(health.kubernetes)
    minimum = supported.KUBERNETES_MINIMUM
    if version is not None and is_older(version, minimum):
        text = f"{health.kubernetes} at {health.server} is too old: {shown(minimum)} or later is needed"
        yield finding("Kubernetes", "error", text, f"Upgrade the cluster: {supported.KUBERNETES_GUIDE}")
    else:
        yield finding("Kubernetes", "ok", f"{health.kubernetes} at {health.server}")


def _missing(health: Health, *names: str) -> list[str]:
    return [name for name in names if name in health.crds and health.crds[name] is None]


def deployed_version(deployment: Manifest) -> Version | None:
    """Return the version that a Deployment's label or image names."""
    labels = deployment["metadata"].get("labels") or {}
    image = str(deployment["spec"]["template"]["spec"]["containers"][0].get("image", ""))
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return version_of(str(labels.get("app.kubernetes.io/version", ""))) or version_of(tag)


def is_available(deployment: Manifest | None) -> bool:
    """Tell whether a pod of a Deployment is ready."""
    return bool(((deployment or {}).get("status") or {}).get("availableReplicas"))


def _look(deployment: Manifest) -> tuple[str, ...]:
    metadata_ = deployment["metadata"]
    return (f"kubectl describe deployment,pods -n {metadata_['namespace']}",)


def _knative(health: Health) -> Iterator[Finding]:
    subject, minimum = "Knative Serving", supported.KNATIVE_MINIMUM
    missing = _missing(health, *KNATIVE_CRDS)
    if missing:
        text = f"not installed (no {', '.join(missing)})"
        yield finding(subject, "error", text, *supported.INSTALL_KNATIVE, *supported.INSTALL_KOURIER)
        return
    there = {name: health.deployments.get(name) for name in supported.KNATIVE_WORKLOADS}
    down = [name for name, deployment in there.items() if not is_available(deployment)]
    main = there["controller"]
    version = deployed_version(main) if main else None
    if down and "deployments" not in health.unread:
        text = f"its {', '.join(down)} {'does' if len(down) == 1 else 'do'} not run"
        yield finding(subject, "error", text, "kubectl describe deployment,pods -n knative-serving")
    elif version is not None and is_older(version, minimum):
        text = f"{shown(version)} is too old: {shown(minimum)} or later is needed"
        yield finding(subject, "error", text, *supported.INSTALL_KNATIVE)
    else:
        yield finding(subject, "ok", shown(version) if version else "its CRDs are there")
    yield from _knative_settings(health)


def _set(config: str, key: str, value: str) -> str:
    body = json.dumps({"data": {key: value}})
    return f"kubectl patch configmap/{config} -n knative-serving --type merge -p '{body}'"


def _knative_settings(health: Health) -> Iterator[Finding]:
    subject = "Knative settings"
    wrong = False
    features = health.configs.get("config-features", {})
    if features.get(EMPTY_DIR_FLAG, "enabled").lower() == "disabled":
        wrong = True
        text = f"the feature {EMPTY_DIR_FLAG} is disabled, and predictors need it: their root file system is read-only"
        yield finding(subject, "error", text, _set("config-features", EMPTY_DIR_FLAG, "enabled"))
    if health.configs.get("config-autoscaler", {}).get("enable-scale-to-zero", "true").lower() == "false":
        wrong = True
        text = "scale to zero is off: every model keeps a pod, however seldom it is asked"
        yield finding(subject, "warning", text, _set("config-autoscaler", "enable-scale-to-zero", "true"))
    domains = [key for key in health.configs.get("config-domain", {}) if not key.startswith("_")]
    if health.configs and (
        not domains or all(domain.endswith(("svc.cluster.local", "example.com")) for domain in domains)
    ):
        wrong = True
        text = "no domain is set, so models have addresses that mean nothing outside of the cluster"
        yield finding(subject, "warning", text, _set("config-domain", "YOUR.DOMAIN", ""))
    if health.configs and not wrong:
        yield finding(
            subject, "ok", f"feature flags and scale to zero are as they must be, domain {', '.join(domains)}"
        )


def _ingress(health: Health) -> Iterator[Finding]:
    subject = "Ingress"
    chosen = ingress_class(health)
    controller = supported.INGRESS_CONTROLLERS.get(chosen)
    if _missing(health, *KNATIVE_CRDS):
        return  # it comes with Knative
    known = bool(health.configs and controller) and "deployments" not in health.unread
    if known and not is_available(health.deployments.get(controller or "")):
        text = f"Knative is set to {chosen}, but its Deployment {controller} does not run"
        yield finding(subject, "error", text, *supported.INSTALL_KOURIER)
        return
    answering = next((probe for probe in health.ingress if probe.problem is None), None)
    if answering is not None:
        yield finding(subject, "ok", f"{answering.url} answers ({answering.how})")
        return
    tried = "; ".join(f"{probe.url} ({probe.how}): {probe.problem}" for probe in health.ingress)
    text = f"no address of it answers from here; tried: {tried}" if tried else "no address of it is known here"
    yield finding(
        subject,
        "error",
        text,
        "kubectl port-forward -n kourier-system service/kourier 8080:80   # in another terminal; for Kourier",
        "export TRANSFERMODEL_INGRESS=http://127.0.0.1:8080",
    )


def ingress_class(health: Health) -> str:
    """Return Knative's setting."""
    network = health.configs.get("config-network", {})
    return network.get("ingress-class") or network.get("ingress.class") or supported.DEFAULT_INGRESS_CLASS


def _kserve(health: Health) -> Iterator[Finding]:
    subject, minimum = "KServe", supported.KSERVE_MINIMUM
    crd = health.crds.get(KSERVE_CRD)
    if _missing(health, KSERVE_CRD):
        yield finding(subject, "error", f"not installed (no {KSERVE_CRD})", *supported.INSTALL_KSERVE)
        return
    if crd is not None and not any(v["name"] == "v1beta1" and v["served"] for v in crd["spec"]["versions"]):
        yield finding(subject, "error", "its CRD does not serve v1beta1", *supported.INSTALL_KSERVE)
        return
    controller = health.deployments.get("kserve-controller-manager")
    if controller is None:
        if "deployments" not in health.unread:
            yield finding(subject, "error", "its controller is not installed", *supported.INSTALL_KSERVE)
        return
    version = deployed_version(controller)
    if not is_available(controller):
        yield finding(subject, "error", "its controller does not run", *_look(controller))
    elif version is not None and is_older(version, minimum):
        text = f"{shown(version)} is too old: {shown(minimum)} or later is needed"
        yield finding(subject, "error", text, *supported.INSTALL_KSERVE)
    else:
        yield finding(subject, "ok", shown(version) if version else "its controller runs")
    yield from _kserve_ingress(health, controller)


def _kserve_ingress(health: Health, controller: Manifest) -> Iterator[Finding]:
    try:
        settings: dict[str, Any] = json.loads(health.configs.get("inferenceservice-config", {}).get("ingress", "{}"))
    except ValueError:
        yield finding("KServe settings", "error", "`ingress` in inferenceservice-config is no JSON", *_edit(controller))
        return
    istio = ingress_class(health) == supported.DEFAULT_INGRESS_CLASS
    if settings and not istio and not settings.get("disableIstioVirtualHost"):
        text = "it waits for Istio, but Knative's ingress is another: no model gets ready"
        remedy = 'in `ingress` of that ConfigMap set "disableIstioVirtualHost": true'
        yield finding("KServe settings", "error", text, *_edit(controller), remedy)


def _edit(controller: Manifest) -> tuple[str, ...]:
    return (f"kubectl edit configmap/inferenceservice-config -n {controller['metadata']['namespace']}",)


def _crd(health: Health) -> Iterator[Finding]:
    subject = "TransferModel CRD"
    if _missing(health, OUR_CRD):
        yield finding(subject, "error", "not installed", INSTALL)
        return
    crd = health.crds.get(OUR_CRD)
    if crd is None:
        return
    established = any(
        c["type"] == "Established" and c["status"] == "True" for c in (crd.get("status") or {}).get("conditions") or []
    )
    if not established:
        why = "; ".join(str(c.get("message", "")) for c in (crd.get("status") or {}).get("conditions") or [])
        yield finding(subject, "error", f"not served: {why}", f"kubectl describe crd {OUR_CRD}")
        return
    lacking = lacking_fields(schema_of(custom_resource_definition()), schema_of(crd), "")
    if lacking:
        text = f"older than this command: it does not know {', '.join(lacking[:4])}"
        namespace = health.operators[0].namespace if health.operators else "transfermodel-system"
        yield finding(subject, "warning", text, supported.UPGRADE_CHART.format(namespace=namespace))
    else:
        yield finding(subject, "ok", "installed, and knows every field that this command knows")


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
        yield finding(subject, "error", "not installed", INSTALL)
        return
    for operator in health.operators:
        if not operator.available:
            cause = broken_operator(operator)
            yield finding(subject, "error", cause.message.rstrip("."), *cause.remedies)
            continue
        where = f"{operator.version or 'of an unknown version'} in namespace {operator.namespace}"
        if not operator.watches(health.namespace):
            text = f"{where} does not look after namespace {health.namespace} (watchNamespaces)"
            fix = f"helm upgrade … --set watchNamespaces={{{health.namespace},…}}"
            yield finding(subject, "error", text, fix)
        elif operator.version and version_of(operator.version) != version_of(metadata.version("transfermodel")):
            text = f"{where}, while this command is {metadata.version('transfermodel')}"
            yield finding(subject, "warning", text, f"pip install transfermodel=={operator.version}")
        else:
            yield finding(subject, "ok", f"{where} runs")


def _nodes(health: Health) -> Iterator[Finding]:
    if not health.nodes:
        return
    unready = [node["metadata"]["name"] for node in health.nodes if not _is_ready(node)]
    if unready:
        remedy = f"kubectl describe node {unready[0]}"
        yield finding(
            "Nodes", "warning", f"{len(unready)} of {len(health.nodes)} not ready: {', '.join(unready)}", remedy
        )
    else:
        yield finding("Nodes", "ok", f"{len(health.nodes)} ready")
    gpus = {node["metadata"]["name"]: _gpus(node) for node in health.nodes}
    hidden = [
        node["metadata"]["name"]
        for node in health.nodes
        if not _gpus(node) and any((node["metadata"].get("labels") or {}).get(key) == "true" for key in GPU_LABELS)
    ]
    if hidden:
        text = f"{', '.join(hidden)} has a GPU that Kubernetes does not see: no device plugin runs there"
        yield finding("GPU", "warning", text, f"Install the device plugin: {DEVICE_PLUGIN}")
    elif any(gpus.values()):
        yield finding("GPU", "ok", ", ".join(f"{count} on {name}" for name, count in gpus.items() if count))
    else:
        yield finding("GPU", "ok", "none: training runs on CPUs")


def _is_ready(node: Manifest) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _gpus(node: Manifest) -> int:
    return int(((node.get("status") or {}).get("allocatable") or {}).get(GPU, 0))


def _access(health: Health) -> Iterator[Finding]:
    if health.unread:
        text = f"you may not see {', '.join(health.unread)}; of those nothing is said"
        yield finding("Access", "warning", text, "Run this as an administrator of the cluster")
