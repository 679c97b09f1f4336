"""An artifact comes back as it was written, or not at all."""

import json
import os
from pathlib import Path

import pytest
from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.errors import ArtifactCorrupt, ArtifactMalformed, StorageNotFound
from transfermodel_predictor.artifact.load import fetch
from transfermodel_predictor.artifact.manifest import Manifest, write_manifest
from transfermodel_predictor.artifact.names import SERVED

from tests.support.colours import LABELS, describe, write_artifact

pytestmark = pytest.mark.unit
Artifact = tuple[Path, str]


def load(folder: Path, digest: str) -> dict[str, bytes]:
    return fetch(folder.as_uri(), digest, SERVED, {})


def test_comes_back_as_written(artifact: Artifact) -> None:
    folder, digest = artifact
    files = load(folder, digest)
    assert set(files) == set(SERVED)
    assert files["model.onnx"] == (folder / "model.onnx").read_bytes()
    assert ModelDescription.from_json(files["model.json"]) == describe()


def test_the_digest_is_that_of_the_content_alone(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    assert write_artifact(tmp_path / "again") == digest
    assert write_manifest(folder) == digest, "writing the manifest twice changed it"
    (folder / "metrics.json").write_text('{"accuracy": 1}')
    assert write_manifest(folder) != digest


def test_the_manifest_lists_all_files(artifact: Artifact) -> None:
    folder, _ = artifact
    document = json.loads((folder / "manifest.json").read_bytes())
    assert set(document["files"]) == {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert document["files"]["metrics.json"]["size"] == 2


@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
def test_one_changed_bit_is_refused(artifact: Artifact, name: str) -> None:
    folder, digest = artifact
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ArtifactCorrupt, match=name):
        load(folder, digest)


def test_a_file_cut_off_is_refused(artifact: Artifact) -> None:
    folder, digest = artifact
    os.truncate(folder / "model.onnx", 10)
    with pytest.raises(ArtifactCorrupt, match=r"10 bytes.*cut off"):
        load(folder, digest)


def test_another_whole_artifact_is_refused(artifact: Artifact) -> None:
    folder, digest = artifact
    (folder / "model.json").write_bytes(describe(("a", "b", "c")).to_json())
    write_manifest(folder)
    with pytest.raises(ArtifactCorrupt, match=r"manifest\.json is sha256:.*somebody replaced"):
        load(folder, digest)


def test_what_is_not_used_is_not_read(artifact: Artifact) -> None:
    folder, digest = artifact
    (folder / "metrics.json").unlink()
    assert load(folder, digest)


def test_a_missing_file_is_named(artifact: Artifact) -> None:
    folder, digest = artifact
    (folder / "model.onnx").unlink()
    with pytest.raises(StorageNotFound, match=r"artifact/model\.onnx does not exist"):
        load(folder, digest)


def test_a_file_that_the_manifest_does_not_list_is_refused(artifact: Artifact) -> None:
    folder, _ = artifact
    (folder / "model.json").rename(folder / "other.json")
    digest = write_manifest(folder)
    (folder / "other.json").rename(folder / "model.json")
    with pytest.raises(ArtifactCorrupt, match=r"lists no model\.json"):
        load(folder, digest)


@pytest.mark.parametrize("name", ["../model.onnx", "a/b", "", ".hidden", "manifest.json", "a\nb"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    document = {"files": {name: {"sha256": "0" * 64, "size": 1}}}
    with pytest.raises(ArtifactMalformed, match="no name"):
        Manifest.from_json(data := json.dumps(document).encode(), digest_of(data), "s3://models/x")


def digest_of(data: bytes) -> str:
    from transfermodel_predictor.artifact.canonical import digest_of

    return digest_of(data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schemaVersion": 2}, "schemaVersion"),
        ({"task": "Horoscope"}, "task"),
        ({"labels": []}, "labels"),
        ({"labels": ["a", "a"]}, "differ"),
        ({"signature": {"inputs": ["pictures"]}}, "signature.inputs"),
    ],
)
def test_a_description_that_cannot_be_served_says_why(change: dict[str, object], said: str) -> None:
    document = json.loads(describe().to_json()) | change
    with pytest.raises(ArtifactMalformed, match=said):
        ModelDescription.from_json(json.dumps(document).encode())


def test_what_a_newer_trainer_adds_is_ignored() -> None:
    document = json.loads(describe().to_json()) | {"colour": "blue"}
    assert ModelDescription.from_json(json.dumps(document).encode()).labels == LABELS


def test_a_description_is_camel_case_and_holds_no_nulls() -> None:
    document = json.loads(describe().to_json())
    assert document["schemaVersion"] == 1
    assert document["signature"] == {"inputs": ["images"], "output": "logits"}
    assert "resizeTo" not in document["preprocessing"]
