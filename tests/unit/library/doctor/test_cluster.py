"""A cluster that has everything, and each thing broken in turn."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from transfermodel.cluster.health import Health, IngressProbe, StorageProbe
from transfermodel.cluster.surroundings import Operator, Secret
from transfermodel.doctor import supported
from transfermodel.doctor.cluster import judge, lacking_fields
from transfermodel.doctor.findings import Finding
from transfermodel_operator.crd import custom_resource_definition

from devcluster import versions
from devcluster.preflight import checks

Manifest = dict[str, Any]
SETTINGS = {"trainerImage": "trainer:1", "predictorImage": "predictor:1"}
LABELS = {"app.kubernetes.io/version": "0.1.0"}


def deployment(name: str, namespace: str, version: str, *, available: bool = True, **env: str) -> Manifest:
    """A Deployment."""
    container = {"name": name, "image": f"{name}:{version}", "env": [{"name": k, "value": v} for k, v in env.items()]}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/version": version}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
        "status": {"availableReplicas": 1} if available else {},
    }


def operator(available: bool = True, version: str = "0.1.0", **settings: Any) -> Operator:
    """The operator."""
    text = json.dumps(SETTINGS | settings)
    env = {"TRANSFERMODEL_OPERATOR_SETTINGS": text}
    return Operator(deployment("transfermodel-operator", "system", version, available=available, **env))


def crd(*served: str) -> Manifest:
    """Somebody else's CRD."""
    return {"spec": {"versions": [{"name": name, "served": True} for name in served]}}


def ours() -> Manifest:
    """Our CRD, established."""
    status = {"conditions": [{"type": "Established", "status": "True"}]}
    return copy.deepcopy(custom_resource_definition()) | {"status": status}


def node(name: str = "node", gpus: int = 0, ready: str = "True", labels: Manifest | None = None) -> Manifest:
    """A node."""
    status = {"conditions": [{"type": "Ready", "status": ready}], "allocatable": {"nvidia.com/gpu": str(gpus)}}
    return {"metadata": {"name": name, "labels": labels or {}}, "status": status}


KOURIER = "kourier.ingress.networking.knative.dev"
KNATIVE = {name: deployment(name, "knative-serving", "1.21.1") for name in supported.KNATIVE_WORKLOADS}
WELL = Health(
    server="https://api",
    kubernetes="v1.34.4",
    namespace="demo",
    crds={
        "transfermodels.transferlearning.dev": ours(),
        "services.serving.knative.dev": crd("v1"),
        "revisions.serving.knative.dev": crd("v1"),
        "inferenceservices.serving.kserve.io": crd("v1beta1"),
    },
    deployments=KNATIVE
    | {
        "net-kourier-controller": deployment("net-kourier-controller", "knative-serving", "1.21.0"),
        "kserve-controller-manager": deployment("kserve-controller-manager", "kserve", "v0.20.0"),
    },
    configs={
        "config-features": {},
        "config-network": {"ingress-class": KOURIER, "mesh-compatibility-mode": "disabled"},
        "config-autoscaler": {},
        "config-domain": {"models.test": ""},
        "inferenceservice-config": {"ingress": '{"disableIstioVirtualHost": true}'},
    },
    operators=(operator(),),
    nodes=(node(gpus=2),),
    namespace_object={"metadata": {"name": "demo", "labels": {}}},
    secrets={"s3": Secret(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))},
    ingress=(IngressProbe("http://203.0.113.7", "load balancer", None),),
    storage=(StorageProbe("s3", "s3://models"),),
)


def test_a_cluster_that_has_everything_is_well() -> None:
    findings = judge(WELL)
    assert {finding.level for finding in findings} == {"ok"}, findings
    assert not any(finding.remedies for finding in findings)


def without(name: str) -> Callable[[Health], Health]:
    """Take a CRD away."""
    return lambda health: replace(health, crds=health.crds | {name: None})


def deployed(name: str, version: str = "1.21.1", available: bool = True) -> Callable[[Health], Health]:
    """Deploy something otherwise."""
    return lambda health: replace(
        health, deployments=health.deployments | {name: deployment(name, "somewhere", version, available=available)}
    )


def configured(name: str, **data: str) -> Callable[[Health], Health]:
    """Configure something otherwise."""
    values = {key.replace("_", "-"): value for key, value in data.items()}
    return lambda health: replace(health, configs=health.configs | {name: values})


def changed(**fields: Any) -> Callable[[Health], Health]:
    """Change fields."""
    return lambda health: replace(health, **fields)


def pulling() -> Manifest:
    """A pod of ours that waits for its image."""
    waiting = {"reason": "ImagePullBackOff", "message": "no such host"}
    statuses = [{"name": "trainer", "image": "trainer:1", "state": {"waiting": waiting}}]
    metadata = {"name": "digits-1", "namespace": "demo"}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "trainer"}]},
        "status": {"containerStatuses": statuses},
    }


def quota(used: str = "0", **hard: str) -> Manifest:
    """A ResourceQuota."""
    limits = {key.replace("_", "."): value for key, value in hard.items()}
    return {"metadata": {"name": "q"}, "status": {"hard": limits, "used": dict.fromkeys(limits, used)}}


def limits(kind: str, **values: str) -> Manifest:
    """A LimitRange."""
    return {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", kind: values}]}}


def old_crd() -> Manifest:
    """Our CRD as an older chart had it."""
    old = ours()
    del old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["suspend"]
    return old


NEVER = operator(imagePullPolicy="Never")
BREAKS: list[tuple[str, Callable[[Health], Health], str, str, str]] = [
    ("old kubernetes", changed(kubernetes="v1.30.1"), "Kubernetes", "error", "1.32 or later"),
    ("no knative", without("services.serving.knative.dev"), "Knative Serving", "error", "not installed"),
    ("knative down", deployed("activator", available=False), "Knative Serving", "error", "activator does not run"),
    ("old knative", deployed("controller", "1.12.0"), "Knative Serving", "error", "1.17 or later"),
    (
        "no emptyDir",
        changed(configs=WELL.configs | {"config-features": {"kubernetes.podspec-volumes-emptydir": "disabled"}}),
        "Knative settings",
        "warning",
        "emptydir is disabled",
    ),
    ("no zero", configured("config-autoscaler", enable_scale_to_zero="false"), "Knative settings", "warning", "off"),
    ("no domain", configured("config-domain"), "Knative settings", "warning", "no domain"),
    (
        "mesh or not",
        configured("config-network", ingress_class=KOURIER),
        "Knative settings",
        "warning",
        "mesh-compatibility-mode is auto",
    ),
    ("istio", configured("config-network"), "Ingress", "error", "net-istio-controller does not run"),
    (
        "no ingress",
        changed(ingress=(IngressProbe("http://10.0.0.1", "node port", "no answer"),)),
        "Ingress",
        "error",
        "http://10.0.0.1 (node port): no answer",
    ),
    ("ingress unknown", changed(ingress=()), "Ingress", "error", "no address"),
    ("no kserve", without("inferenceservices.serving.kserve.io"), "KServe", "error", "not installed"),
    ("kserve down", deployed("kserve-controller-manager", "0.20.0", False), "KServe", "error", "does not run"),
    ("old kserve", deployed("kserve-controller-manager", "0.15.2"), "KServe", "error", "0.17 or later"),
    (
        "kserve waits for istio",
        configured("inferenceservice-config", ingress='{"x": 1}'),
        "KServe settings",
        "error",
        "Istio",
    ),
    ("no crd", without("transfermodels.transferlearning.dev"), "TransferModel CRD", "error", "not installed"),
    (
        "old crd",
        changed(crds=WELL.crds | {"transfermodels.transferlearning.dev": old_crd()}),
        "TransferModel CRD",
        "warning",
        "spec.suspend",
    ),
    ("no operator", changed(operators=()), "Operator", "error", "not installed"),
    ("operator down", changed(operators=(operator(available=False),)), "Operator", "error", "does not run"),
    ("operator elsewhere", changed(operators=(operator(watchNamespaces=["a"]),)), "Operator", "error", "demo"),
    ("operator of another version", changed(operators=(operator(version="0.0.9"),)), "Operator", "warning", "0.0.9"),
    (
        "node not ready",
        changed(nodes=(node(), node("sick", ready="Unknown"))),
        "Nodes",
        "warning",
        "1 of 2 not ready: sick",
    ),
    (
        "no device plugin",
        changed(nodes=(node(labels={"nvidia.com/gpu.present": "true"}),)),
        "GPU",
        "warning",
        "device plugin",
    ),
    ("no secret", changed(secrets={"s3": None}), "Credentials", "error", "missing"),
    ("half a secret", changed(secrets={"s3": Secret(("AWS_ACCESS_KEY_ID",))}), "Credentials", "error", "AWS_SECRET"),
    (
        "storage refuses",
        changed(storage=(StorageProbe("s3", "s3://models", "It refuses.", "Correct it."),)),
        "Storage",
        "error",
        "It refuses",
    ),
    ("quota full", changed(quotas=(quota("1", pods="1"),)), "Quota", "error", "leaves pods 0"),
    ("quota on cpu limits", changed(quotas=(quota(limits_cpu="8"),)), "Quota", "error", "demands limits.cpu"),
    ("limit range", changed(limit_ranges=(limits("max", memory="1Gi"),)), "Quota", "error", "by default"),
    ("image", changed(pods=(pulling(),)), "Images", "error", "cannot pull trainer:1: no such host"),
    ("never pulled", changed(operators=(NEVER,)), "Images", "error", "on no node"),
    ("model", changed(models=({"metadata": {"name": "digits", "generation": 1}},)), "Models", "warning", "digits"),
    ("rights", changed(unread=("nodes",)), "Access", "warning", "nodes"),
]


@pytest.mark.parametrize(("change", "subject", "level", "words"), [b[1:] for b in BREAKS], ids=[b[0] for b in BREAKS])
def test_each_break_is_found_with_its_fix(
    change: Callable[[Health], Health], subject: str, level: str, words: str
) -> None:
    findings = judge(change(WELL))
    found = [finding for finding in findings if finding.subject == subject and finding.level == level]
    assert len(found) >= 1, findings
    assert any(words in finding.text for finding in found), found
    assert all(finding.remedies for finding in found)


def test_a_limit_range_with_a_default_satisfies_a_quota() -> None:
    health = replace(WELL, quotas=(quota(limits_cpu="8"),), limit_ranges=(limits("default", cpu="1"),))
    assert not [finding for finding in judge(health) if finding.subject == "Quota"]


def test_what_may_not_be_seen_is_not_called_missing() -> None:
    blind = Health("https://api", "v1.34.4", "demo", unread=("deployments", "customresourcedefinitions", "configmaps"))
    ingress = (IngressProbe("http://203.0.113.7", "load balancer", None),)
    found: list[Finding] = judge(replace(blind, ingress=ingress))
    assert {finding.subject for finding in found if finding.level == "error"} == set()
    assert {finding.subject for finding in found if finding.level == "warning"} == {"Access"}


def test_fields_that_a_schema_lacks_have_their_paths() -> None:
    inner: Manifest = {"properties": {"a": {}, "b": {}}}
    wanted = {"properties": {"spec": {"properties": {"list": {"items": inner}, "new": inner}}}}
    found: Manifest = {"properties": {"spec": {"properties": {"list": {"items": {"properties": {"a": {}}}}}}}}
    assert lacking_fields(wanted, found, "") == ["spec.list.b", "spec.new"]


def test_what_is_supported_is_what_the_preflight_demands() -> None:
    assert supported.KUBERNETES_MINIMUM == versions.KUBERNETES_MINIMUM
    assert supported.KNATIVE_MINIMUM == versions.KNATIVE_MINIMUM
    assert supported.KSERVE_MINIMUM == versions.KSERVE_MINIMUM
    assert supported.KNATIVE_WORKLOADS == checks.KNATIVE_WORKLOADS
    assert supported.INGRESS_CONTROLLERS == checks.INGRESSES
    assert " && ".join(supported.INSTALL_KNATIVE) == checks.INSTALL_KNATIVE
    assert supported.INSTALL_KSERVE[-1] in checks.INSTALL_KSERVE
