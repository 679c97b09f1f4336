"""When a product is built again, and which Go is good enough."""

import shutil
from pathlib import Path

import pytest

from devcluster import golang, paths, toolchain


def test_inputs_change_with_the_modules_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(paths.GO_MODULES / "pause", tmp_path / "pause")
    monkeypatch.setattr(paths, "GO_MODULES", tmp_path)
    before = golang.inputs_digest("pause")
    assert golang.inputs_digest("pause") == before
    (tmp_path / "pause" / "main.go").write_text("package main\n")
    assert golang.inputs_digest("pause") != before


def test_inputs_change_with_what_is_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    before = golang.inputs_digest("helm")
    changed = golang.Product("v3.0.0", golang.PRODUCTS["helm"].packages)
    monkeypatch.setitem(golang.PRODUCTS, "helm", changed)
    assert golang.inputs_digest("helm") != before


def test_kubernetes_is_told_its_version() -> None:
    variables = dict(golang.PRODUCTS["kubernetes"].variables)
    assert variables["k8s.io/component-base/version.gitVersion"].startswith("v1.")
    assert variables["k8s.io/component-base/version.gitMajor"] == "1"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.6 linux/amd64", (1, 26, 6)),
        ("go version go1.27 linux/arm64", (1, 27, 0)),
        ("go version go1.19.8 linux/amd64", (1, 19, 8)),
        ("go version devel +abc linux/amd64", (0, 0, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_version_of_go(text: str, version: tuple[int, int, int]) -> None:
    assert toolchain.version_of(text) == version
