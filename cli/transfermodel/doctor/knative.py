"""Knative Serving: what runs of it, how it is set, and its ingress. Pure."""

import json
from collections.abc import Iterator
from typing import Final

from transfermodel.cluster.health import KNATIVE_CRDS, Health
from transfermodel.doctor import supported
from transfermodel.doctor.deployments import deployed_version, is_available
from transfermodel.doctor.findings import Finding, about_cluster
from transfermodel.doctor.supported import is_older, shown

SETTINGS: Final = "Knative settings"
EMPTY_DIR_FLAG: Final = "kubernetes.podspec-volumes-emptydir"
MESH_KEY: Final = "mesh-compatibility-mode"
RESTART_ACTIVATOR: Final = (
    "kubectl rollout restart deployment/activator -n knative-serving   # it reads that when it starts"
)


def judge_knative(health: Health) -> list[Finding]:
    """Return what is to be said about Knative."""
    return [*_serving(health), *_ingress(health)]


def _serving(health: Health) -> Iterator[Finding]:
    subject, minimum = "Knative Serving", supported.KNATIVE_MINIMUM
    missing = health.missing(*KNATIVE_CRDS)
    if missing:
        text = f"not installed (no {', '.join(missing)})"
        yield about_cluster(subject, "error", text, *supported.INSTALL_KNATIVE, *supported.INSTALL_KOURIER)
        return
    there = {name: health.deployments.get(name) for name in supported.KNATIVE_WORKLOADS}
    down = [name for name, deployment in there.items() if not is_available(deployment)]
    main = there["controller"]
    version = deployed_version(main) if main else None
    if down and "deployments" not in health.unread:
        text = f"its {', '.join(down)} {'does' if len(down) == 1 else 'do'} not run"
        yield about_cluster(subject, "error", text, "kubectl describe deployment,pods -n knative-serving")
    elif version is not None and is_older(version, minimum):
        text = f"{shown(version)} is too old: {shown(minimum)} or later is needed"
        yield about_cluster(subject, "error", text, *supported.INSTALL_KNATIVE)
    else:
        yield about_cluster(subject, "ok", shown(version) if version else "its CRDs are there")
    yield from _settings(health)


def _set(config: str, key: str, value: str) -> str:
    body = json.dumps({"data": {key: value}})
    return f"kubectl patch configmap/{config} -n knative-serving --type merge -p '{body}'"


def _settings(health: Health) -> Iterator[Finding]:
    wrong = list(_wrong_settings(health))
    yield from wrong
    if health.configs and not wrong:
        text = f"feature flags and scale to zero are as they must be, domain {', '.join(_domains(health))}"
        yield about_cluster(SETTINGS, "ok", text)


def _wrong_settings(health: Health) -> Iterator[Finding]:
    if health.configs.get("config-features", {}).get(EMPTY_DIR_FLAG, "enabled").lower() == "disabled":
        text = f"the feature {EMPTY_DIR_FLAG} is disabled, and predictors on a GPU need it to write anywhere"
        yield about_cluster(SETTINGS, "warning", text, _set("config-features", EMPTY_DIR_FLAG, "enabled"))
    if health.configs.get("config-autoscaler", {}).get("enable-scale-to-zero", "true").lower() == "false":
        text = "scale to zero is off: every model keeps a pod, however seldom it is asked"
        yield about_cluster(SETTINGS, "warning", text, _set("config-autoscaler", "enable-scale-to-zero", "true"))
    # Of no domain at all the same is true.
    if health.configs and all(domain.endswith(("svc.cluster.local", "example.com")) for domain in _domains(health)):
        text = "no domain is set, so models have addresses that mean nothing outside of the cluster"
        yield about_cluster(SETTINGS, "warning", text, _set("config-domain", "YOUR.DOMAIN", ""))
    if "config-network" in health.configs and not _knows_of_mesh(health):
        text = (
            f"{MESH_KEY} is auto: the activator takes pods that start together for a mesh now and then, and "
            "pods that requests still reach then end up to five minutes late"
        )
        yield about_cluster(SETTINGS, "warning", text, _set("config-network", MESH_KEY, "disabled"), RESTART_ACTIVATOR)


def _domains(health: Health) -> list[str]:
    return [key for key in health.configs.get("config-domain", {}) if not key.startswith("_")]


def _knows_of_mesh(health: Health) -> bool:
    """Tell whether Knative need not find out. With Istio there may be a mesh, which only people can tell."""
    is_istio = ingress_class(health) == supported.DEFAULT_INGRESS_CLASS
    return is_istio or health.configs["config-network"].get(MESH_KEY, "auto").lower() != "auto"


def _ingress(health: Health) -> Iterator[Finding]:
    subject = "Ingress"
    chosen = ingress_class(health)
    controller = supported.INGRESS_CONTROLLERS.get(chosen)
    if health.missing(*KNATIVE_CRDS):
        return  # it comes with Knative
    known = bool(health.configs and controller) and "deployments" not in health.unread
    if known and not is_available(health.deployments.get(controller or "")):
        text = f"Knative is set to {chosen}, but its Deployment {controller} does not run"
        yield about_cluster(subject, "error", text, *supported.INSTALL_KOURIER)
        return
    answering = next((probe for probe in health.ingress if probe.problem is None), None)
    if answering is not None:
        yield about_cluster(subject, "ok", f"{answering.url} answers ({answering.how})")
        return
    tried = "; ".join(f"{probe.url} ({probe.how}): {probe.problem}" for probe in health.ingress)
    text = f"no address of it answers from here; tried: {tried}" if tried else "no address of it is known here"
    yield about_cluster(
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
