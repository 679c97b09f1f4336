"""What an existing cluster must have, and how to get what it lacks. Pure: facts in, findings out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devcluster import versions
from devcluster.preflight.facts import CRDS, Facts, Version, Workload

KNATIVE_GUIDE = "https://knative.dev/docs/install/yaml-install/serving/install-serving-with-yaml/"
KSERVE_GUIDE = "https://kserve.github.io/website/docs/install/kserve-install"
KSERVE_INGRESS_GUIDE = "https://kserve.github.io/website/docs/admin-guide/serverless/kourier-networking"
KUBERNETES_GUIDE = "https://kubernetes.io/docs/tasks/administer-cluster/cluster-upgrade/"
_KNATIVE_RELEASE = "https://github.com/knative/serving/releases/download/knative-v1.21.0"

INSTALL_KNATIVE = (
    f"kubectl apply -f {_KNATIVE_RELEASE}/serving-crds.yaml && kubectl apply -f {_KNATIVE_RELEASE}/serving-core.yaml"
)
INSTALL_KOURIER = (
    "kubectl apply -f https://github.com/knative/net-kourier/releases/download/knative-v1.21.0/kourier.yaml"
)
USE_KOURIER = (
    "kubectl patch configmap/config-network -n knative-serving --type merge -p "
    """'{"data":{"ingress-class":"kourier.ingress.networking.knative.dev"}}'"""
)
# Its manifests ask cert-manager for the webhooks' certificates.
INSTALL_KSERVE = (
    "install cert-manager (https://cert-manager.io/docs/installation/), then: kubectl apply --server-side -f "
    f"https://github.com/kserve/kserve/releases/download/{versions.KSERVE}/kserve.yaml"
)

KNATIVE_WORKLOADS = ("activator", "autoscaler", "controller", "webhook")
# Knative's ingress class -> the Deployment that implements it; of a class not listed here nothing is known.
INGRESSES = {
    "kourier.ingress.networking.knative.dev": "net-kourier-controller",
    "istio.ingress.networking.knative.dev": "net-istio-controller",
    "contour.ingress.networking.knative.dev": "net-contour-controller",
    "gateway-api.ingress.networking.knative.dev": "net-gateway-api-controller",
}
DEFAULT_INGRESS_CLASS = "istio.ingress.networking.knative.dev"

SETTINGS = {
    "TRANSFERMODEL_INGRESS": "the URL at which the cluster's Knative ingress is reached from here, as http://203.0.113.7",
    "TRANSFERMODEL_S3_ENDPOINT": "the URL of the S3 server that data and models are kept on",
    "AWS_ACCESS_KEY_ID": "the access key for that S3 server",
    "AWS_SECRET_ACCESS_KEY": "the secret key for that S3 server",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what, in a word or two.
        good: whether it is as it must be.
        text: what was found.
        remedy: what to do; empty when it is good.
    """

    subject: str
    good: bool
    text: str
    remedy: str = ""


def judge(facts: Facts) -> list[Finding]:
    """Look at everything, in the order in which it would be installed."""
    checks: list[Callable[[Facts], Iterable[Finding]]] = [_kubernetes, _knative, _ingress, _kserve, _settings, _access]
    return [finding for check in checks for finding in check(facts)]


def shown(version: Iterable[int]) -> str:
    """A version as people write it."""
    return ".".join(str(part) for part in version)


def _is_older(found: Version, minimum: Version) -> bool:
    return found[: len(minimum)] < minimum


def _kubernetes(facts: Facts) -> Iterable[Finding]:
    minimum = versions.KUBERNETES_MINIMUM
    if _is_older(facts.kubernetes, minimum):
        text = f"{shown(facts.kubernetes)} is too old: {shown(minimum)} or later is needed"
        yield Finding("Kubernetes", False, text, f"upgrade the cluster: {KUBERNETES_GUIDE}")
    else:
        yield Finding("Kubernetes", True, shown(facts.kubernetes))


def _product(
    subject: str, workload: Workload | None, minimum: Version, install: str, guide: str, crds: list[str]
) -> Finding:
    """Judge the CRDs, the controller and its version of one product."""
    if crds:
        return Finding(subject, False, f"its CRDs are missing: {', '.join(crds)}", f"{install} ({guide})")
    if workload is None:
        return Finding(subject, False, "its CRDs are there, its controller is not", f"{install} ({guide})")
    where = f"{workload.namespace}/{workload.name}"
    if not workload.available:
        look = f"kubectl describe deployment,pods -n {workload.namespace}"
        return Finding(subject, False, f"Deployment {where} is not available", f"find out why: {look}")
    if workload.version is None:
        return Finding(subject, True, f"Deployment {where} is available; its version is not told")
    if _is_older(workload.version, minimum):
        text = f"{shown(workload.version)} is too old: {shown(minimum)} or later is needed"
        return Finding(subject, False, text, f"{install} ({guide})")
    return Finding(subject, True, shown(workload.version))


def _missing(facts: Facts, group: str) -> list[str]:
    return [name for name in CRDS if name.endswith(group) and name not in facts.crds]


def _knative(facts: Facts) -> Iterable[Finding]:
    minimum = versions.KNATIVE_MINIMUM
    missing = _missing(facts, "serving.knative.dev") + _missing(facts, "networking.internal.knative.dev")
    main = _product(
        "Knative Serving", facts.workloads.get("controller"), minimum, INSTALL_KNATIVE, KNATIVE_GUIDE, missing
    )
    yield main
    if not main.good:
        return
    for name in KNATIVE_WORKLOADS:
        found = facts.workloads.get(name)
        if found is None or not found.available:
            text = f"Deployment knative-serving/{name} is {'missing' if found is None else 'not available'}"
            look = (
                f"{INSTALL_KNATIVE} ({KNATIVE_GUIDE})" if found is None else "kubectl describe pods -n knative-serving"
            )
            yield Finding("Knative Serving", False, text, look)


def _ingress(facts: Facts) -> Iterable[Finding]:
    if not any(name in facts.workloads for name in KNATIVE_WORKLOADS):
        text = "cannot be judged before Knative Serving is there"
        yield Finding("Knative ingress", False, text, f"then, for one: {INSTALL_KOURIER} && {USE_KOURIER}")
        return
    chosen = facts.ingress_class or DEFAULT_INGRESS_CLASS
    controller = INGRESSES.get(chosen)
    if controller is None:
        yield Finding("Knative ingress", True, f"{chosen}, which this check does not know")
        return
    found = facts.workloads.get(controller)
    if found is None or not found.available:
        state = "not available" if found else "missing"
        text = f"config-network names {chosen}, but Deployment {controller} is {state}"
        yield Finding("Knative ingress", False, text, f"install it, or use Kourier: {INSTALL_KOURIER} && {USE_KOURIER}")
        return
    yield Finding("Knative ingress", True, chosen)


def _kserve(facts: Facts) -> Iterable[Finding]:
    missing = _missing(facts, "serving.kserve.io")
    main = _product(
        "KServe",
        facts.workloads.get("kserve-controller-manager"),
        versions.KSERVE_MINIMUM,
        INSTALL_KSERVE,
        KSERVE_GUIDE,
        missing,
    )
    yield main
    if missing:
        return
    if "v1beta1" not in facts.crds["inferenceservices.serving.kserve.io"]:
        yield Finding("KServe", False, "its CRD does not serve v1beta1", f"{INSTALL_KSERVE} ({KSERVE_GUIDE})")
    istio = (facts.ingress_class or DEFAULT_INGRESS_CLASS) == DEFAULT_INGRESS_CLASS
    if main.good and facts.kserve_ingress and not istio and not facts.kserve_ingress.get("disableIstioVirtualHost"):
        text = (
            "it waits for Istio's virtual services, but Knative's ingress is not Istio: no InferenceService gets ready"
        )
        setting = '"disableIstioVirtualHost": true in `ingress` of ConfigMap inferenceservice-config'
        remedy = f"set {setting} ({KSERVE_INGRESS_GUIDE})"
        yield Finding("KServe ingress", False, text, remedy)


def _settings(facts: Facts) -> Iterable[Finding]:
    for name, meaning in SETTINGS.items():
        if facts.environment.get(name):
            yield Finding(name, True, "set")
        else:
            yield Finding(name, False, "not set", f"export {name}=…, {meaning}")


def _access(facts: Facts) -> Iterable[Finding]:
    for path in facts.forbidden:
        yield Finding(
            "Access", False, f"the current user may not read {path}", "run this as an administrator of the cluster"
        )
