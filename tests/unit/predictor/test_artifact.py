"""An artifact comes back as it was written, or not at all."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from transfermodel_predictor.artifact.description import ImagePreprocessing, ModelDescription
from transfermodel_predictor.artifact.errors import ArtifactCorrupt, ArtifactMalformed, StorageNotFound
from transfermodel_predictor.artifact.load import fetch
from transfermodel_predictor.artifact.manifest import Manifest, write_manifest
from transfermodel_predictor.artifact.names import MANIFEST, SERVED, TOKENIZER
from transfermodel_predictor.inference.opening import fetch_classifier

from tests.support.colours import LABELS, colour_model, describe, write_artifact
from tests.support.predictor_texts import describe_texts, tokenizer, write_text_artifact

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


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "first byte": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "middle byte": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 128]) + data[len(data) // 2 + 1 :]
    ),
    "last byte": lambda data: data[:-1] + bytes([data[-1] ^ 4]),
    "halves swapped": lambda data: data[len(data) // 2 :] + data[: len(data) // 2],
    "cut off": lambda data: data[:-1],
    "emptied": lambda data: b"",
    "longer": lambda data: data + b"\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["manifest.json", "model.json", "model.onnx", "tokenizer.json"])
def test_whatever_is_damaged_of_what_is_read_is_named_and_refused(tmp_path: Path, name: str, damage: str) -> None:
    digest = write_text_artifact(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(DAMAGES[damage](whole))
    with pytest.raises(ArtifactCorrupt, match=rf"/{re.escape(name)} .*somebody replaced") as told:
        fetch_classifier(tmp_path.as_uri(), digest, 1, {})
    if name != "manifest.json":
        assert f"({len(DAMAGES[damage](whole))} bytes)" in str(told.value)
    (tmp_path / name).write_bytes(whole)
    assert fetch_classifier(tmp_path.as_uri(), digest, 1, {}).predict([b"lovely"])[0].label == "good"


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """An artifact with all files that a predictor reads of any."""
    folder = tmp_path_factory.mktemp("texts")
    return folder, write_text_artifact(folder)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_bit_of_any_file_counts(texts: Artifact, data: st.DataObject) -> None:
    folder, digest = texts
    name = data.draw(st.sampled_from([MANIFEST, *SERVED, TOKENIZER]))
    whole = (folder / name).read_bytes()
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    (folder / name).write_bytes(changed)
    try:
        with pytest.raises(ArtifactCorrupt, match=re.escape(name)):
            fetch(folder.as_uri(), digest, [*SERVED, TOKENIZER], {})
    finally:
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize("name", ["model.json", "model.onnx", "tokenizer.json"])
def test_a_valid_file_of_another_model_is_refused(tmp_path: Path, name: str) -> None:
    digest = write_text_artifact(tmp_path / "one")
    write_text_artifact(tmp_path / "other", tokenizer(special=False))
    (tmp_path / "other" / "model.json").write_bytes(describe_texts(4).to_json())
    (tmp_path / "other" / "model.onnx").write_bytes(colour_model())
    shutil.copy(tmp_path / "other" / name, tmp_path / "one" / name)
    with pytest.raises(ArtifactCorrupt, match=rf"one/{re.escape(name)} \(\d+ bytes\) is not the file of the manifest"):
        fetch_classifier((tmp_path / "one").as_uri(), digest, 1, {})


def test_what_nobody_reads_is_not_verified(tmp_path: Path) -> None:
    digest = write_text_artifact(tmp_path)
    (tmp_path / "metrics.json").write_bytes(b"changed")
    assert fetch_classifier(tmp_path.as_uri(), digest, 1, {}).labels


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
        ({"labels": "ab"}, "labels: Expected `array`, got `str`"),
        ({"run": 1}, "run: Expected `str`, got `int`"),
        ({"preprocessing": {"modality": "Smell"}}, "preprocessing.modality: Invalid value 'Smell'"),
        ({"preprocessing": {"modality": "Text", "maxTokens": 8}}, "preprocessing is of Text"),
        ({"preprocessing": {"modality": "Text", "maxTokens": 0}}, "preprocessing.maxTokens: Expected `int` >= 1"),
        (
            {"preprocessing": {"modality": "Image", "size": 8, "mean": [0, 0, 0], "std": [1, 1, 0]}},
            "preprocessing: std must be above 0",
        ),
        ({"preprocessing": {"modality": "Image", "size": 8, "mean": [0, 0], "std": [1, 1, 1]}}, "preprocessing.mean"),
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


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{" * 100_000, b'{"labels": NaN}', b'{"a":' * 100_000])
def test_what_is_no_description_says_so(content: bytes) -> None:
    with pytest.raises(ArtifactMalformed, match=r"^model\.json cannot be read: .*\. Train the model again"):
        ModelDescription.from_json(content)


def test_a_description_of_wrong_types_is_not_written() -> None:
    wrong = structs.replace(describe(), run=7)
    with pytest.raises(ValueError, match="Expected `str`, got `int`"):
        wrong.to_json()


def test_whole_numbers_are_written_as_the_numbers_that_they_stand_for() -> None:
    preprocessing = ImagePreprocessing(size=16, mean=(0, 0, 0), std=(1, 1, 1))
    document = json.loads(structs.replace(describe(), preprocessing=preprocessing).to_json())
    assert str(document["preprocessing"]["mean"]) == "[0.0, 0.0, 0.0]"
