"""The versions in versions.py are those that the Go modules build."""

import re

import pytest

from devcluster import golang, paths, versions

MODULES = {
    "etcd": ("go.etcd.io/etcd/server/v3", versions.ETCD),
    "kubernetes": ("k8s.io/kubernetes", versions.KUBERNETES),
    "versitygw": ("github.com/versity/versitygw", versions.VERSITYGW),
    "coredns": ("github.com/coredns/coredns", versions.COREDNS),
    "knative": ("knative.dev/serving", versions.KNATIVE),
    "kserve": ("github.com/kserve/kserve", versions.KSERVE),
    "helm": ("helm.sh/helm/v3", versions.HELM),
}


def required(product: str) -> dict[str, str]:
    """Module -> version in a product's go.mod."""
    text = (paths.GO_MODULES / product / "go.mod").read_text()
    return dict(re.findall(r"^(?:require)?\s+(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE))


@pytest.mark.parametrize("product", MODULES)
def test_go_modules_name_the_pinned_versions(product: str) -> None:
    module, version = MODULES[product]
    assert required(product)[module] == version


def test_kourier_is_built_with_knative() -> None:
    assert required("knative")["knative.dev/net-kourier"] == versions.KOURIER


def test_every_staging_module_of_kubernetes_has_its_own_version() -> None:
    text = (paths.GO_MODULES / "kubernetes" / "go.mod").read_text()
    replaced = dict(re.findall(r"^\s+(k8s\.io/\S+) => \S+ (v\S+)$", text, re.MULTILINE))
    assert len(replaced) > 25
    assert set(replaced.values()) == {versions.KUBERNETES.replace("v1.", "v0.", 1)}


def test_every_product_has_a_module_and_every_module_a_product() -> None:
    assert {folder.name for folder in paths.GO_MODULES.iterdir() if folder.is_dir()} == set(golang.PRODUCTS)


@pytest.mark.parametrize("product", golang.PRODUCTS)
def test_no_module_needs_a_newer_go_than_is_accepted(product: str) -> None:
    match = re.search(
        r"^go (\d+)\.(\d+)(?:\.(\d+))?$", (paths.GO_MODULES / product / "go.mod").read_text(), re.MULTILINE
    )
    assert match
    assert (int(match[1]), int(match[2]), int(match[3] or 0)) <= versions.GO_MINIMUM
