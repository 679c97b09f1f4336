"""When an image is built again, and what is remembered of layers that containerd holds."""

import json
import os
import zlib
from pathlib import Path

import pytest

from devcluster import paths
from devcluster.errors import PrerequisiteError
from devcluster.images import project, registry, sizes, store


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "operator" / "__pycache__").mkdir(parents=True)
    (tmp_path / "operator" / "main.py").write_text("one")
    (tmp_path / "Dockerfile").write_text("FROM debian AS operator\nCOPY operator /app\nFROM debian AS trainer\n")
    monkeypatch.setattr(paths, "REPOSITORY", tmp_path)
    monkeypatch.setattr(project, "DOCKERFILE", tmp_path / "Dockerfile")
    return tmp_path


def test_the_tag_follows_the_content_and_nothing_else(repository: Path) -> None:
    before = project.content_tag("operator")
    os.utime(repository / "operator" / "main.py", (1, 1))
    (repository / "operator" / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")
    (repository / "README.md").write_text("not copied")
    assert project.content_tag("operator") == before
    (repository / "operator" / "main.py").write_text("two")
    assert project.content_tag("operator") != before


def test_a_moved_file_changes_the_tag(repository: Path) -> None:
    before = project.content_tag("operator")
    (repository / "operator" / "main.py").rename(repository / "operator" / "other.py")
    assert project.content_tag("operator") != before


def test_the_tag_of_one_target_ignores_the_code_of_another(repository: Path) -> None:
    before = project.content_tag("trainer")
    (repository / "operator" / "main.py").write_text("two")
    assert project.content_tag("trainer") == before


def test_the_dockerfile_counts_for_the_targets_that_it_changes(repository: Path) -> None:
    file = repository / "Dockerfile"
    before = {target: project.content_tag(target) for target in ("operator", "trainer")}
    file.write_text("# a comment\n" + file.read_text())
    assert {target: project.content_tag(target) for target in before} == before
    file.write_text(file.read_text() + "ENV A=b\n")
    assert project.content_tag("operator") == before["operator"]
    assert project.content_tag("trainer") != before["trainer"]


def layout_with(folder: Path, content: bytes) -> tuple[str, Path]:
    """Write a layout of one image with one layer."""
    digest = "sha256:" + "a" * 64
    layer = store.blob_path(folder, digest)
    layer.parent.mkdir(parents=True)
    layer.write_bytes(content)
    manifest = "sha256:" + "b" * 64
    store.blob_path(folder, manifest).write_text(json.dumps({"layers": [{"digest": digest, "size": len(content)}]}))
    (folder / "index.json").write_text(json.dumps({"manifests": [{"digest": manifest}]}))
    return digest, layer


def test_a_layer_that_containerd_holds_takes_no_space_and_is_written_again_when_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, layer = layout_with(tmp_path, os.urandom(2 * store.HOLLOW_FROM))
    held = {digest}
    monkeypatch.setattr(store, "blobs", lambda: held)
    store.hollow(tmp_path)
    assert store.is_hollow(layer)
    assert layer.stat().st_size == 2 * store.HOLLOW_FROM
    store.drop_lost(tmp_path)
    assert layer.exists()
    held.clear()
    store.drop_lost(tmp_path)
    assert not layer.exists()


def test_a_layer_that_containerd_lacks_keeps_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _digest, layer = layout_with(tmp_path, os.urandom(2 * store.HOLLOW_FROM))
    monkeypatch.setattr(store, "blobs", set)
    store.hollow(tmp_path)
    assert not store.is_hollow(layer)


def test_sizes_are_those_of_gzip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(300_000) + bytes(3_000_000)
    file = tmp_path / "layer"
    file.write_bytes(content)
    assert sizes.measure(file) == pytest.approx(len(zlib.compress(content, 6)), rel=0.01)
    monkeypatch.setattr(paths, "IMAGES", tmp_path)
    total, exact = sizes.compressed([("sha256:1", file), ("sha256:1", file)])
    assert exact
    assert total == 2 * sizes.measure(file)


def test_a_sample_stands_for_a_very_large_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "layer"
    file.write_bytes(b"".join(os.urandom(512) + bytes(512) for _ in range(40_000)))
    whole = sizes.measure(file)
    monkeypatch.setattr(sizes, "EXACT_LIMIT", 1 << 20)
    monkeypatch.setattr(sizes, "CHUNK", 1 << 16)
    assert sizes.measure(file) == pytest.approx(whole, rel=0.05)


def test_the_image_for_gpus_is_made_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert project.targets({}) == project.targets({"GPU": "0"}) == ("operator", "predictor", "trainer")
    assert project.targets({"GPU": "1"}) == ("operator", "predictor", "trainer", "predictor-gpu")
    named = registry.references({"IMAGE_REGISTRY": "r", "IMAGE_TAG": "v7", "GPU": "1"})
    assert project.chart_values(named) == {
        "operator": "r/transfermodel-operator:v7",
        "predictor": "r/transfermodel-predictor:v7",
        "trainer": "r/transfermodel-trainer:v7",
        "predictorGpu": "r/transfermodel-predictor-gpu:v7",
    }
    monkeypatch.setenv("GPU", "1")
    assert list(project.references()) == list(project.targets())


def test_a_registry_must_be_named() -> None:
    with pytest.raises(PrerequisiteError, match="IMAGE_REGISTRY"):
        registry.references({})
    named = registry.references({"IMAGE_REGISTRY": "registry.example.com/team/", "IMAGE_TAG": "v7"})
    assert named["operator"] == "registry.example.com/team/transfermodel-operator:v7"
