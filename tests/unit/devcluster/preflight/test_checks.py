"""What the preflight makes of a cluster: nothing wrong with a good one, one finding with a remedy for each lack."""

from dataclasses import replace
from typing import Any

import pytest

from devcluster import versions
from devcluster.preflight import lines
from devcluster.preflight.checks import INGRESSES, SETTINGS, Finding, judge
from devcluster.preflight.facts import CRDS, Facts, Workload, version_of, workload_of

KOURIER = "kourier.ingress.networking.knative.dev"
GOOD = Facts(
    kubernetes=(1, 34, 4),
    crds={name: ["v1beta1"] for name in CRDS},
    workloads={
        **{
            name: Workload("knative-serving", name, True, (1, 21, 1))
            for name in ("activator", "autoscaler", "controller", "webhook", INGRESSES[KOURIER])
        },
        "kserve-controller-manager": Workload("kserve", "kserve-controller-manager", True, (0, 20, 0)),
    },
    ingress_class=KOURIER,
    kserve_ingress={"disableIstioVirtualHost": True},
    environment=dict.fromkeys(SETTINGS, "x"),
)


def failures(facts: Facts) -> list[Finding]:
    return [finding for finding in judge(facts) if not finding.good]


def without(name: str) -> Facts:
    return replace(GOOD, workloads={key: found for key, found in GOOD.workloads.items() if key != name})


def changed(name: str, **fields: Any) -> Facts:
    return replace(GOOD, workloads={**GOOD.workloads, name: replace(GOOD.workloads[name], **fields)})


def test_a_good_cluster_has_no_finding() -> None:
    assert failures(GOOD) == []
    assert lines(judge(GOOD))[-1] == "the cluster is ready"


@pytest.mark.parametrize(
    ("facts", "subject", "part"),
    [
        (replace(GOOD, kubernetes=(1, 31, 9)), "Kubernetes", "1.31.9 is too old: 1.32 or later"),
        (replace(GOOD, crds={}), "Knative Serving", "CRDs are missing: services.serving.knative.dev"),
        (changed("controller", version=(1, 16, 0)), "Knative Serving", "1.16.0 is too old"),
        (changed("controller", available=False), "Knative Serving", "knative-serving/controller is not available"),
        (without("controller"), "Knative Serving", "its controller is not"),
        (without("activator"), "Knative Serving", "knative-serving/activator is missing"),
        (without("net-kourier-controller"), "Knative ingress", "net-kourier-controller is missing"),
        (replace(GOOD, ingress_class=None), "Knative ingress", "net-istio-controller is missing"),
        (without("kserve-controller-manager"), "KServe", "its controller is not"),
        (changed("kserve-controller-manager", version=(0, 16, 0)), "KServe", "0.16.0 is too old: 0.17 or later"),
        (replace(GOOD, crds={**GOOD.crds, CRDS[-1]: ["v1alpha1"]}), "KServe", "does not serve v1beta1"),
        (replace(GOOD, kserve_ingress={"urlScheme": "http"}), "KServe ingress", "waits for Istio's virtual services"),
        (replace(GOOD, environment={}), "TRANSFERMODEL_S3_ENDPOINT", "not set"),
        (replace(GOOD, forbidden=("/apis/apps/v1/deployments",)), "Access", "may not read /apis/apps/v1/deployments"),
    ],
)
def test_each_lack_is_named_with_a_remedy(facts: Facts, subject: str, part: str) -> None:
    found = [finding for finding in failures(facts) if finding.subject == subject]
    assert found, failures(facts)
    assert part in found[0].text
    assert all(finding.remedy for finding in failures(facts))


def test_without_anything_every_product_is_named_once_with_how_to_install_it() -> None:
    found = failures(Facts(kubernetes=(1, 34, 4)))
    assert [finding.subject for finding in found[:3]] == ["Knative Serving", "Knative ingress", "KServe"]
    assert "serving-core.yaml" in found[0].remedy
    assert f"kserve/releases/download/{versions.KSERVE}" in found[2].remedy


def test_exactly_the_oldest_versions_are_enough() -> None:
    assert failures(replace(GOOD, kubernetes=versions.KUBERNETES_MINIMUM)) == []
    assert failures(changed("controller", version=versions.KNATIVE_MINIMUM)) == []
    assert failures(changed("kserve-controller-manager", version=versions.KSERVE_MINIMUM)) == []


def test_an_unknown_ingress_is_believed() -> None:
    assert failures(replace(GOOD, ingress_class="own.ingress.example.com")) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [("v1.34.4-gke.100", (1, 34, 4)), ("1.21", (1, 21)), ("v0.20.0", (0, 20, 0)), ("devel", None), ("", None)],
)
def test_versions_are_read_as_products_write_them(text: str, version: tuple[int, ...] | None) -> None:
    assert version_of(text) == version


def test_a_version_comes_from_the_label_or_else_from_the_images_tag() -> None:
    deployment = {
        "metadata": {"namespace": "kserve", "name": "kserve-controller-manager"},
        "spec": {"template": {"spec": {"containers": [{"image": "reg.example.com:5000/kserve-controller:v0.19.1"}]}}},
        "status": {"conditions": [{"type": "Available", "status": "True"}]},
    }
    assert workload_of(deployment) == Workload("kserve", "kserve-controller-manager", True, (0, 19, 1))
    deployment["metadata"]["labels"] = {"app.kubernetes.io/version": "1.21.1"}  # type: ignore[index]
    assert workload_of(deployment).version == (1, 21, 1)
