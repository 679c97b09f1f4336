"""Whole runs on texts and on recordings: published, served with the same answers, and the start of other models."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transfermodel_operator.api import Reason, RunRequest, RunResult
from transfermodel_predictor.artifact.description import AudioPreprocessing, ModelDescription, TextPreprocessing
from transfermodel_predictor.artifact.load import fetch
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.opening import open_classifier
from transfermodel_trainer import run
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.progress import Progress
from transformers import AutoModel

from tests.support import encoders, sounds
from tests.unit.trainer.test_run import graphs_of

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]

COMMON = {"model.onnx", "model.safetensors", "model.json", "metrics.json", "report.html", "MODEL_CARD.md"}
OF_TEXT = {"tokenizer.json", "config.json", "pooling.json"}
GOOD, BAD = ("good", "great", "fine"), ("bad", "awful", "poor")
PROBE = {"strategy": "FeatureExtraction"}
TUNING = {
    "strategy": "FineTuning",
    "fineTuning": {"unfreeze": "LastStages", "stages": 1, "epochs": 1, "learningRate": "1e-3", "batchSize": 4},
}


def execute(request: RunRequest) -> RunResult:
    return run.execute(request, {}, Progress(quiet=True))


def base_of(result: RunResult) -> dict[str, Any]:
    return {"base": {"transferModel": "base", "version": "v1", "uri": result.uri, "digest": result.digest}}


def published(result: RunResult) -> tuple[dict[str, bytes], ModelDescription, Classifier]:
    """Return the files of an artifact, checked, what they say, and what serves them."""
    folder = Path(result.uri.removeprefix("file://"))
    names = {path.name for path in folder.iterdir()} - {"manifest.json"}
    files = fetch(result.uri, result.digest, sorted(names), {})
    return dict(files), ModelDescription.from_json(files["model.json"]), open_classifier(files, 1)


def sentences(first: int, last: int) -> list[tuple[str, str]]:
    """Return texts with their labels; every third one is a long one."""
    found = []
    for number in range(first, last):
        label, words = (("good", GOOD), ("bad", BAD))[number % 2]
        more = "but the plot was so very long " * (number % 3)
        found.append((f"{words[number % 3]} film and {words[(number + 1) % 3]} song {more}", label))
    return found


def table(rows: list[tuple[str, str]]) -> bytes:
    return ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows)).encode()


@pytest.fixture
def encoder(tmp_path: Path) -> str:
    return f"file://{encoders.write(tmp_path / 'encoder', pooling='mean_tokens')}"


@pytest.fixture
def of_texts(request_for: Make, encoder: str) -> Make:
    def make(train: str, **changes: Any) -> RunRequest:
        backbone = {"name": "sentence-transformers/tiny", "weights": {"uri": encoder}}
        defaults = {"task": "TextClassification", "backbone": backbone, "training": PROBE}
        return request_for(train, **(defaults | changes))

    return make


def test_a_model_of_texts(write: Write, of_texts: Make) -> None:
    data = {"train.csv": table(sentences(0, 24)), "test.csv": table(sentences(24, 36))}
    folder = write("texts", data)
    result = execute(of_texts(f"{folder}/train.csv", test=f"{folder}/test.csv"))
    assert (result.counts.train, result.counts.test, result.metrics["accuracy"]) == (24, 12, "1.0000")
    files, description, classifier = published(result)
    assert set(files) == COMMON | OF_TEXT | graphs_of(result)
    assert description.task == "TextClassification"
    assert description.preprocessing == TextPreprocessing(max_tokens=64)
    assert {"transformers", "tokenizers"} <= set(description.libraries)
    assert "torchvision" not in description.libraries
    answers = classifier.predict(
        [b"great film and fine song", b"awful film and bad song", b"good film and great song " * 500]
    )
    assert [answer.label for answer in answers] == ["good", "bad", "good"]
    page, card = files["report.html"].decode(), files["MODEL_CARD.md"].decode()
    assert "image" not in page.replace("data:image/", "").replace("img-src", "").split("</style>")[1]
    assert "2 classes of texts" in card
    assert "image" not in card


def test_a_model_of_texts_is_a_base(write: Write, of_texts: Make, request_for: Make, colours: dict[str, bytes]) -> None:
    train = f"{write('texts', {'train.csv': table(sentences(0, 12))})}/train.csv"
    first = execute(of_texts(train, training=TUNING))
    second = execute(of_texts(train, name="second", backbone=base_of(first)))
    files, _, classifier = published(second)
    base, _, _ = published(first)
    assert all(files[name] == base[name] for name in OF_TEXT)
    assert second.base_digest == first.digest
    third = execute(of_texts(train, name="third", backbone=base_of(second) | {"input": {"maxTokens": 16}}))
    assert published(third)[1].preprocessing == TextPreprocessing(max_tokens=16)
    assert classifier.predict([b"good film"])[0].label in ("good", "bad")
    for task, samples in (("ImageClassification", colours), ("AudioClassification", sounds.folder(2))):
        source = write(task, samples)
        with pytest.raises(RunError, match="model for TextClassification") as caught:
            execute(request_for(source, task=task, backbone=base_of(first), training=PROBE))
        assert caught.value.reason is Reason.INVALID_SPEC


def test_transformers_reads_the_artifact_as_its_own(write: Write, of_texts: Make) -> None:
    train = f"{write('texts', {'train.csv': table(sentences(0, 12))})}/train.csv"
    result = execute(of_texts(train, training=TUNING))
    folder = Path(result.uri.removeprefix("file://"))
    _, loading = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert {key.split(".")[0] for key in loading["missing_keys"]} <= {"pooler"}
    assert {key.split(".")[0] for key in loading["unexpected_keys"]} == {"classifier"}


def test_texts_in_folders(write: Write, of_texts: Make) -> None:
    rows = sentences(0, 12)
    train = write("folders", {f"{label}/{number:02}.txt": text.encode() for number, (text, label) in enumerate(rows)})
    assert execute(of_texts(train)).counts.train == 12


def test_unreadable_texts_are_named(write: Write, of_texts: Make) -> None:
    files = {f"{label}/{number:02}.txt": text.encode() for number, (text, label) in enumerate(sentences(0, 24))}
    train = write("folders", files | {"bad/broken.txt": b"\xff\xfe\xfa"})
    result = execute(of_texts(train))
    assert result.counts.skipped == 1
    assert any(
        "1 text of spec.data.train skipped" in warning and "broken.txt" in warning for warning in result.warnings
    )
    broken = {f"bad/{number}.txt": b"\xff" for number in range(30)}
    with pytest.raises(RunError, match="cannot be read as texts") as caught:
        execute(of_texts(write("broken", files | broken)))
    assert caught.value.reason is Reason.TOO_MANY_UNREADABLE_FILES
    assert "UTF-8" in caught.value.message


# -- recordings


@pytest.fixture
def of_recordings(request_for: Make) -> Make:
    def make(train: str, **changes: Any) -> RunRequest:
        backbone = {"name": "torchvision/squeezenet1_1", "weights": {"scratch": True}, "input": {"size": 32}}
        training = {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All", "epochs": 1, "batchSize": 8}}
        return request_for(
            train, **({"task": "AudioClassification", "backbone": backbone, "training": training} | changes)
        )

    return make


def test_a_model_of_recordings(write: Write, of_recordings: Make) -> None:
    train, test = write("train", sounds.folder(8)), write("test", sounds.folder(4, first=50))
    first = execute(of_recordings(train))
    description = published(first)[1]
    settled = description.preprocessing
    assert isinstance(settled, AudioPreprocessing)
    assert (settled.sample_rate, settled.size) == (16_000, 32)
    assert 0.5 < settled.clip_seconds < 0.61
    result = execute(of_recordings(train, name="second", backbone=base_of(first), training=PROBE, test=test))
    files, description, classifier = published(result)
    assert set(files) == COMMON | graphs_of(result)
    assert description.preprocessing == settled, "the base's own"
    assert "soundfile" in description.libraries
    assert float(result.metrics["accuracy"]) > 0.8
    answers = classifier.predict([sounds.tone("low", 99), sounds.tone("high", 99, rate=22_050, file="FLAC")])
    assert [answer.label for answer in answers] == ["low", "high"]
    card = files["MODEL_CARD.md"].decode()
    assert "classes of recordings" in card
    assert "spectrogram" in card


def test_a_model_of_images_is_a_base_for_recordings(
    write: Write, request_for: Make, of_recordings: Make, colours: dict[str, bytes]
) -> None:
    images = execute(request_for(write("images", colours)))
    train = write("train", sounds.folder(4))
    result = execute(of_recordings(train, backbone=base_of(images) | {"input": {"size": 48}}, training=PROBE))
    settled = published(result)[1].preprocessing
    assert isinstance(settled, AudioPreprocessing)
    assert settled.size == 48
    assert result.base_digest == images.digest


def test_recordings_that_cannot_be_read(write: Write, of_recordings: Make) -> None:
    files = sounds.folder(4) | {f"low/broken-{number}.wav": b"RIFF" for number in range(20)}
    with pytest.raises(RunError, match="20 of 32 files cannot be read as recordings") as caught:
        execute(of_recordings(write("train", files)))
    assert caught.value.reason is Reason.TOO_MANY_UNREADABLE_FILES
    assert "WAV" in caught.value.message


def test_equal_runs_give_equal_artifacts(write: Write, of_recordings: Make, of_texts: Make, tmp_path: Path) -> None:
    train = write("sounds", sounds.folder(4))
    texts = f"{write('texts', {'train.csv': table(sentences(0, 12))})}/train.csv"
    for make, uri in ((of_recordings, train), (of_texts, texts)):
        first, second = (execute(make(uri, outputUri=f"file://{tmp_path}/{name}")) for name in ("one", "two"))
        assert first.digest == second.digest


def test_metrics_are_those_of_the_served_model(write: Write, of_texts: Make) -> None:
    """Every test sample, answered by what serves, is as right or wrong as metrics.json says."""
    data = {"train.csv": table(sentences(0, 8)), "test.csv": table(sentences(8, 20))}
    folder = write("texts", data)
    files, _, classifier = published(execute(of_texts(f"{folder}/train.csv", test=f"{folder}/test.csv")))
    rows = sentences(8, 20)
    answers = classifier.predict([text.encode() for text, _ in rows])
    right = sum(answer.label == label for answer, (_, label) in zip(answers, rows, strict=True))
    assert json.loads(files["metrics.json"])["splits"]["test"]["accuracy"]["value"] == pytest.approx(right / len(rows))
