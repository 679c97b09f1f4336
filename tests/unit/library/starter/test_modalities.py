"""A first file for texts and recordings: what they are is seen, and asked for where it could be two things."""

import io
import json
import wave
from pathlib import Path

import pytest
from transfermodel.documents import Document, Target, load
from transfermodel.errors import DataInvalid, UsageError
from transfermodel.starter import Started, choosing, start

from tests.support.datasets import Files, folder

PRAISE = ["I love it, thank you", "the best shop of all", "what a lovely parcel", "great, five stars"]
BLAME = ["it came broken twice", "nobody answers my mail", "the worst shop of all", "I want my money back"]
TABLE = "".join(f'"{text}",{label}\n' for label, texts in (("good", PRAISE), ("bad", BLAME)) for text in texts)


def recording(seconds: float, rate: int = 8000) -> bytes:
    """Return a WAV file of silence."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * round(seconds * rate)))
    return buffer.getvalue()


def put(root: Path, files: Files) -> Path:
    """Write files below a folder; return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def text_folder() -> dict[str, bytes]:
    texts = {"good": PRAISE, "bad": BLAME}
    return {f"{label}/{number}.txt": text.encode() for label in texts for number, text in enumerate(texts[label])}


def encoder(root: Path) -> Path:
    """Return a folder that looks like an encoder."""
    return put(root / "encoder", dict.fromkeys(choosing.ENCODER_FILES, b"{}"))


def started(root: Path, out: Path, **options: object) -> tuple[Started, Document]:
    """Return what was written, and the valid document that it is."""
    found = start(root, out=out, **options)  # type: ignore[arg-type]
    (document,) = load(out, Target.LOCAL)
    return found, document


def test_a_table_of_texts(tmp_path: Path) -> None:
    put(
        tmp_path / "reviews",
        {"train.csv": b"text,label\n" + TABLE.encode(), "test.csv": b"text,label\n" + TABLE.encode()},
    )
    found, document = started(tmp_path / "reviews", tmp_path / "a.yaml", weights=encoder(tmp_path))
    assert document.spec.task == "TextClassification"
    assert document.spec.backbone.to_wire() == {"name": choosing.ENCODER, "weights": {"uri": "encoder"}}
    assert document.spec.data.train.uri == "reviews/train.csv"
    assert document.spec.data.test is not None
    assert document.spec.data.format is None
    assert document.spec.training.strategy == "FeatureExtraction"
    assert found.text.startswith("# 8 texts in 2 classes (bad 4, good 4), most of about 20 characters.\n")
    assert "a new head on the frozen backbone" in found.text
    assert "image" not in found.text.lower()


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("sentence,label", {"textColumn": "sentence", "labelColumn": "label"}),
        ("Review,Sentiment", {"textColumn": "Review", "labelColumn": "Sentiment"}),
        ("what they wrote,verdict", {"textColumn": "what they wrote", "labelColumn": "verdict"}),
    ],
)
def test_columns_are_found_by_their_names_or_by_what_they_hold(
    tmp_path: Path, header: str, wanted: dict[str, str]
) -> None:
    put(tmp_path, {"all.csv": f"{header}\n{TABLE}".encode()})
    _, document = started(tmp_path / "all.csv", tmp_path / "a.yaml", weights=encoder(tmp_path))
    assert document.spec.task == "TextClassification"
    assert document.manifest["spec"]["data"]["format"] == wanted


def test_lines_of_json_with_other_keys_beside_the_text(tmp_path: Path) -> None:
    rows = [{"id": number, "text": text, "label": text in PRAISE} for number, text in enumerate(PRAISE + BLAME)]
    put(
        tmp_path, {"all.jsonl": "".join(json.dumps(row | {"label": str(row["label"])}) + "\n" for row in rows).encode()}
    )
    _, document = started(tmp_path / "all.jsonl", tmp_path / "a.yaml", weights=encoder(tmp_path))
    assert document.spec.task == "TextClassification"
    assert document.spec.data.format is None


def test_a_folder_of_text_files(tmp_path: Path) -> None:
    root = put(tmp_path / "reviews", text_folder() | {"README.md": b"x"})
    found, document = started(root, tmp_path / "a.yaml", weights=encoder(tmp_path))
    assert (found.found.samples, document.spec.task) == (8, "TextClassification")
    assert document.spec.data.train.uri == "reviews"


def test_a_table_that_names_text_files(tmp_path: Path) -> None:
    rows = "".join(f"{name},{name.split('/')[0]}\n" for name in text_folder())
    root = put(tmp_path / "reviews", text_folder() | {"all.csv": f"file,label\n{rows}".encode()})
    found, document = started(root / "all.csv", tmp_path / "a.yaml", weights=encoder(tmp_path))
    assert found.found.columns is not None
    assert (document.spec.task, found.found.columns.texts) == ("TextClassification", False)


def test_what_a_processor_would_fine_tune_for_hours_gets_a_new_head(tmp_path: Path) -> None:
    for words, strategy in ((20, "Auto"), (400, "FeatureExtraction")):
        rows = "".join(f"{number} {'a word ' * words},{label}\n" for label in ("a", "b") for number in range(200))
        put(tmp_path, {"all.csv": f"text,label\n{rows}".encode()})
        _, document = started(tmp_path / "all.csv", tmp_path / "a.yaml", weights=encoder(tmp_path), force=True)
        assert document.spec.training.strategy == strategy


def test_without_network_texts_need_an_encoder_and_the_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "ENCODER_HOST", "http://127.0.0.1:9/")
    found, document = started(put(tmp_path / "reviews", text_folder()), tmp_path / "a.yaml")
    assert document.spec.backbone.to_wire()["weights"] == {"name": "DEFAULT"}
    assert found.chosen.note is not None
    assert "--weights FOLDER" in found.chosen.note


def test_a_folder_of_recordings(tmp_path: Path) -> None:
    files = {f"{digit}/{number}.wav": recording(0.5) for digit in ("one", "two") for number in range(4)}
    root = put(tmp_path / "digits", {f"train/{name}": content for name, content in files.items()})
    put(root, {f"test/{name}": content for name, content in files.items()})
    weights = put(tmp_path, {"own.safetensors": b""}) / "own.safetensors"
    found, document = started(root, tmp_path / "a.yaml", weights=weights)
    assert document.spec.task == "AudioClassification"
    assert document.spec.backbone.to_wire()["weights"] == {"uri": "own.safetensors"}
    assert document.spec.backbone.input is not None
    assert document.spec.backbone.input.size == 64
    assert document.spec.training.strategy == "Auto"
    assert found.text.startswith("# 8 recordings in 2 classes (one 4, two 4), most of about 0.5 seconds.\n")
    assert "image" not in found.text.lower().replace("imagenet", "")
    _, document = started(root, tmp_path / "b.yaml", scratch=True)
    assert document.spec.backbone.to_wire()["weights"] == {"scratch": True}


def captions() -> Files:
    """Return pictures, each with a text beside it."""
    pictures = folder(per_class=4)
    return pictures | {name.replace(".png", ".txt"): b"a caption" for name in pictures}


def test_images_and_texts_in_one_place_are_asked_about(tmp_path: Path) -> None:
    root = put(tmp_path / "both", captions())
    with pytest.raises(UsageError) as refused:
        start(root, out=tmp_path / "a.yaml", scratch=True)
    assert str(refused.value) == (
        f"{root} holds 12 images and 12 texts. Say what to learn from: --task ImageClassification or "
        "--task TextClassification."
    )
    _, document = started(root, tmp_path / "a.yaml", task="ImageClassification", scratch=True)
    assert document.spec.task == "ImageClassification"
    _, document = started(root, tmp_path / "b.yaml", task="TextClassification", weights=encoder(tmp_path))
    assert document.spec.task == "TextClassification"


def test_a_table_of_images_with_captions_is_asked_about(tmp_path: Path) -> None:
    pictures = folder(per_class=4)
    rows = "".join(f"{name},a caption of two words,{name.split('/')[0]}\n" for name in pictures)
    root = put(tmp_path / "both", pictures | {"all.csv": f"file,text,label\n{rows}".encode()})
    with pytest.raises(UsageError, match="names images in its column file, and holds texts in text"):
        start(root / "all.csv", out=tmp_path / "a.yaml", scratch=True)
    _, document = started(root / "all.csv", tmp_path / "a.yaml", task="ImageClassification", scratch=True)
    assert document.spec.task == "ImageClassification"


def test_a_stray_text_is_no_second_task(tmp_path: Path) -> None:
    root = put(tmp_path / "colours", folder(per_class=4) | {"red/LICENSE.txt": b"x", "README.txt": b"x"})
    _, document = started(root, tmp_path / "a.yaml", scratch=True)
    assert document.spec.task == "ImageClassification"


def test_random_weights_are_no_encoder(tmp_path: Path) -> None:
    root = put(tmp_path / "reviews", text_folder())
    with pytest.raises(UsageError, match="Nothing is learned of texts with random weights"):
        start(root, out=tmp_path / "a.yaml", scratch=True)


def test_what_is_no_encoder(tmp_path: Path) -> None:
    root = put(tmp_path / "reviews", text_folder())
    (tmp_path / "a.safetensors").touch()
    (tmp_path / "empty").mkdir()
    for name, sentence in {
        "none": "There is no folder or archive",
        "a.safetensors": "is no encoder of texts",
        "empty": "has no config.json and no tokenizer.json and no model.safetensors",
    }.items():
        with pytest.raises(UsageError, match=sentence):
            start(root, out=tmp_path / "a.yaml", weights=tmp_path / name)


def test_texts_that_are_none(tmp_path: Path) -> None:
    root = put(tmp_path / "reviews", {f"{label}/1.txt": b"\xff\xfe\x00" for label in ("a", "b")})
    with pytest.raises(
        DataInvalid, match=r"None of the texts can be read, such as .*1\.txt\. Store them as plain text"
    ):
        start(root, out=tmp_path / "a.yaml", weights=encoder(tmp_path))


def test_a_table_of_another_task(tmp_path: Path) -> None:
    put(tmp_path, {"all.csv": b"text,label\n" + TABLE.encode()})
    with pytest.raises(DataInvalid, match=r"No column of .* holds images; it has text, label"):
        start(tmp_path / "all.csv", out=tmp_path / "a.yaml", task="ImageClassification", scratch=True)
