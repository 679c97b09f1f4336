"""Whole runs on tiny data, from request to published artifact."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transfermodel_operator.api import FailureClass, Reason, RunRequest, RunResult
from transfermodel_predictor.artifact.description import ImagePreprocessing, ModelDescription
from transfermodel_predictor.artifact.load import fetch
from transfermodel_predictor.inference.opening import open_classifier
from transfermodel_trainer import learn, run
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.publishing.export import export_onnx
from transfermodel_trainer.publishing.output import RunFolder

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]

FILES = {"model.onnx", "model.safetensors", "model.json", "metrics.json", "report.html", "MODEL_CARD.md"}


def execute(request: RunRequest) -> RunResult:
    return run.execute(request, {}, Progress(quiet=True))


def refused(request: RunRequest) -> RunError:
    with pytest.raises(RunError) as caught:
        execute(request)
    return caught.value


def base_of(result: RunResult) -> dict[str, Any]:
    return {"base": {"transferModel": "base", "version": "v1", "uri": result.uri, "digest": result.digest}}


def probe(make: Make, train: str, result: RunResult, **changes: Any) -> RunRequest:
    return make(train, name="probe", backbone=base_of(result), training={"strategy": "FeatureExtraction"}, **changes)


def graphs_of(result: RunResult) -> set[str]:
    """Return the graph that is published beside model.onnx where it is as good."""
    assert result.int8 is not None
    return set() if result.int8.refusal else {"model.int8.onnx"}


@pytest.fixture
def trained(write: Write, request_for: Make, colours: dict[str, bytes]) -> RunResult:
    """A run of three colours."""
    return execute(request_for(write("train", colours)))


def test_an_artifact_is_published_whole(trained: RunResult) -> None:
    names = {path.name for path in Path(trained.uri.removeprefix("file://")).iterdir()}
    assert names == FILES | {"manifest.json"} | graphs_of(trained)
    files = fetch(trained.uri, trained.digest, sorted(FILES), {})
    description = ModelDescription.from_json(files["model.json"])
    assert description.labels == ("blue", "green", "red")
    assert isinstance(description.preprocessing, ImagePreprocessing)
    assert description.preprocessing.size == 32
    classifier = open_classifier(files, 1)
    answers = classifier.predict([datasets.picture("red", 99), datasets.picture("blue", 99)])
    assert [sum(answer.probabilities.values()) for answer in answers] == pytest.approx([1, 1], abs=1e-5)
    assert b"<script" not in files["report.html"]
    assert not re.search(rb'(src|href)="(?!data:|#)', files["report.html"]), "self-contained"


def test_the_result_says_what_happened(trained: RunResult) -> None:
    assert trained.metrics_split == "validation"
    assert trained.estimated
    assert trained.counts.train + trained.counts.validation == 18
    assert trained.device == "cpu"
    assert set(trained.seconds) >= {"Data", "Training", "Evaluation", "Publishing", "total"}
    stored = json.loads((Path(trained.uri.removeprefix("file://")).parents[1] / "result.json").read_text())
    assert RunResult.model_validate(stored) == trained


def test_integers_are_judged_beside_float32(write: Write, request_for: Make) -> None:
    train, test = write("train", datasets.folder(per_class=8)), write("test", datasets.folder(per_class=5, first=50))
    tuning = {"unfreeze": "All", "epochs": 6, "learningRate": "1e-3", "batchSize": 8}
    result = execute(request_for(train, test=test, training={"strategy": "FineTuning", "fineTuning": tuning}))
    check = result.int8
    assert check is not None
    assert check.refusal is None
    assert check.samples == 15
    assert check.float32_accuracy == result.metrics["accuracy"]
    assert check.seconds is not None
    assert check.speedup is not None
    names = ["model.int8.onnx", "model.json", "metrics.json", "report.html", "MODEL_CARD.md"]
    files = fetch(result.uri, result.digest, names, {})
    stored = json.loads(files["metrics.json"])["int8"]
    expected = check.to_wire()
    assert stored == {key: value for key, value in expected.items() if key not in ("seconds", "speedup")}, "no times"
    for page in ("report.html", "MODEL_CARD.md"):
        assert f"accuracy {check.accuracy} (Float32: {check.float32_accuracy}" in files[page].decode(), page
    assert "`model.int8.onnx`" in files["MODEL_CARD.md"].decode()
    integers = open_classifier(files, 1, precision="Int8")
    served = integers.predict([datasets.picture(label, 50) for label in ("blue", "green", "red")])
    assert [answer.label for answer in served] == ["blue", "green", "red"]


def test_the_same_inputs_are_not_trained_again(
    trained: RunResult, write: Write, request_for: Make, colours: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "learn", lambda *_: pytest.fail("trained again"))
    again = execute(request_for(trained_uri(trained)))
    assert again == trained.model_copy(update={"reused": True})


def trained_uri(result: RunResult) -> str:
    root = result.uri.split("/models/")[0]
    return f"{root}/data/train"


def test_a_changed_object_is_another_input(trained: RunResult, write: Write, request_for: Make) -> None:
    train = write("train", {"red/000.png": datasets.picture("red", 500)})
    anew = execute(request_for(train))
    assert not anew.reused
    assert anew.inputs_digest != trained.inputs_digest
    assert anew.data_digest != trained.data_digest


def test_a_lost_artifact_is_trained_again(trained: RunResult, request_for: Make) -> None:
    shutil.rmtree(trained.uri.removeprefix("file://"))
    anew = execute(request_for(trained_uri(trained)))
    fetch(anew.uri, anew.digest, ["model.onnx"], {})


def test_equal_runs_give_equal_artifacts(trained: RunResult, request_for: Make, tmp_path: Path) -> None:
    elsewhere = execute(request_for(trained_uri(trained), outputUri=f"file://{tmp_path}/others"))
    assert elsewhere.digest == trained.digest


def test_a_concurrent_winner_stands(trained: RunResult, request_for: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    # The other run finishes between our look for a result and our end.
    real, looks = RunFolder.stored_result, []

    def stored(folder: RunFolder) -> RunResult | None:
        looks.append(folder)
        return None if len(looks) == 1 else real(folder)

    monkeypatch.setattr(RunFolder, "stored_result", stored)
    result = execute(request_for(trained_uri(trained)))
    assert result == trained.model_copy(update={"reused": True})


def test_a_probe_on_a_base(trained: RunResult, write: Write, request_for: Make) -> None:
    train, test = write("few", datasets.folder(per_class=4)), write("test", datasets.folder(per_class=3, first=50))
    result = execute(probe(request_for, train, trained, test=test))
    assert (result.metrics_split, result.estimated, result.counts.test) == ("test", False, 9)
    assert result.base_digest == trained.digest
    assert (
        float(result.metrics["accuracyLow"])
        <= float(result.metrics["accuracy"])
        <= float(result.metrics["accuracyHigh"])
    )
    metrics = json.loads((Path(result.uri.removeprefix("file://")) / "metrics.json").read_text())
    assert set(metrics["splits"]) == {"test", "leave-one-out"}


def test_without_a_test_set_the_probe_is_cross_validated(trained: RunResult, write: Write, request_for: Make) -> None:
    result = execute(probe(request_for, write("few", datasets.folder(per_class=4)), trained))
    assert (result.metrics_split, result.estimated, result.counts.train) == ("validation", True, 12)


def test_fine_tuning_of_a_base(trained: RunResult, write: Write, request_for: Make) -> None:
    request = request_for(
        write("few", datasets.folder(per_class=5)),
        backbone=base_of(trained),
        training={"strategy": "FineTuning", "fineTuning": {"epochs": 1, "batchSize": 4, "learningRate": "1e-4"}},
    )
    assert execute(request).counts.validation > 0


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "zip"])
def test_archives_even_wrapped(
    trained: RunResult, write: Write, request_for: Make, colours: dict[str, bytes], suffix: str
) -> None:
    wrapped = {f"colours/{name}": content for name, content in colours.items()} | {"__MACOSX/._x": b""}
    packed = (
        datasets.zip_archive(wrapped)
        if suffix == "zip"
        else datasets.tar(wrapped, compression=suffix.partition(".")[2])
    )
    folder = write("archives", {f"colours.{suffix}": packed})
    result = execute(probe(request_for, f"{folder}/colours.{suffix}", trained))
    assert (result.counts.classes, result.counts.train) == (3, 18)


# -- bad input


def test_a_few_unreadable_files_are_skipped_and_named(trained: RunResult, write: Write, request_for: Make) -> None:
    files = datasets.folder(per_class=5) | {"red/broken.png": b"not an image", "stray.txt": b"x"}
    result = execute(probe(request_for, write("few", files), trained))
    assert (result.counts.skipped, result.counts.train) == (1, 15)
    assert any("broken.png" in warning for warning in result.warnings)
    assert any("no class folder" in warning for warning in result.warnings)


def test_mostly_unreadable(write: Write, request_for: Make) -> None:
    rubbish = {f"red/broken-{n}.png": b"not an image" for n in range(20)}
    error = refused(request_for(write("train", datasets.folder(per_class=4) | rubbish)))
    assert error.reason is Reason.TOO_MANY_UNREADABLE_FILES
    assert "20 of 32" in error.message
    assert "broken-0.png" in error.message


def test_a_class_without_a_readable_image(write: Write, request_for: Make) -> None:
    error = refused(request_for(write("train", datasets.folder(per_class=12) | {"grey/1.png": b"broken"})))
    assert error.reason is Reason.EMPTY_CLASS
    assert "grey" in error.message


@pytest.mark.parametrize(
    ("files", "reason", "word"),
    [
        (datasets.folder(("red",)), Reason.TOO_FEW_CLASSES, "red"),
        (datasets.folder() | {"yellow": b""}, Reason.EMPTY_CLASS, "yellow"),
    ],
)
def test_bad_folders(write: Write, request_for: Make, files: dict[str, bytes], reason: Reason, word: str) -> None:
    error = refused(request_for(write("train", files)))
    assert (error.reason, error.failure) == (reason, FailureClass.USER)
    assert word in error.message


def test_other_test_classes(write: Write, request_for: Make) -> None:
    test = write("test", datasets.folder(("grey", "red"), per_class=2))
    error = refused(request_for(write("train", datasets.folder()), test=test))
    assert error.reason is Reason.CLASSES_DIFFER
    assert "grey" in error.message


def test_other_classes_in_an_archive(trained: RunResult, write: Write, request_for: Make) -> None:
    folder = write("archives", {"test.zip": datasets.zip_archive(datasets.folder(("grey", "red"), per_class=2))})
    request = probe(request_for, trained_uri(trained), trained)
    data = request.data.model_copy(update={"test": request.data.train.model_copy(update={"uri": f"{folder}/test.zip"})})
    assert refused(request.model_copy(update={"data": data})).reason is Reason.CLASSES_DIFFER


def test_nothing_under_the_uri(write: Write, request_for: Make, tmp_path: Path) -> None:
    error = refused(request_for(f"file://{tmp_path}/absent"))
    assert error.reason is Reason.DATA_NOT_FOUND
    assert "spec.data.train.uri" in error.message


def test_an_unsafe_archive(write: Write, request_for: Make) -> None:
    folder = write("archives", {"evil.tar": datasets.tar_with_link(datasets.folder(per_class=2))})
    error = refused(request_for(f"{folder}/evil.tar"))
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "link.png" in error.message


def test_an_unknown_backbone(write: Write, request_for: Make, colours: dict[str, bytes]) -> None:
    request = request_for(
        write("train", colours),
        backbone={"name": "torchvision/resnet81", "weights": {"scratch": True}, "input": {"size": 32}},
    )
    error = refused(request)
    assert error.reason is Reason.UNKNOWN_BACKBONE
    assert "torchvision/resnet18" in error.message


def test_an_output_that_cannot_be_written(
    write: Write, request_for: Make, colours: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    error = refused(request_for(write("train", colours), outputUri=f"file://{tmp_path}/file"))
    assert (error.reason, error.failure) == (Reason.OUTPUT_NOT_WRITABLE, FailureClass.STORAGE)


def test_random_weights_have_nothing_to_extract(write: Write, request_for: Make, colours: dict[str, bytes]) -> None:
    error = refused(request_for(write("train", colours), training={"strategy": "FeatureExtraction"}))
    assert error.reason is Reason.INVALID_SPEC


def test_test_images_that_were_learned_from_are_reported(trained: RunResult, write: Write, request_for: Make) -> None:
    test = write("test", {f"{c}/{n}.png": datasets.picture(c, n) for c in ("red", "green", "blue") for n in (5, 70)})
    result = execute(probe(request_for, trained_uri(trained), trained, test=test))
    assert any("3 of 6" in warning and "too good" in warning for warning in result.warnings)


def test_copies_and_imbalance_are_warnings(trained: RunResult, write: Write, request_for: Make) -> None:
    files = datasets.folder(("red", "blue"), per_class=2) | {
        f"green/{index}.png": datasets.picture("green", index) for index in range(20)
    }
    copied = files | {"green/copy.png": datasets.picture("green", 3)}
    found = execute(probe(request_for, write("copied", copied), trained)).warnings
    assert any("1 of 25 images of spec.data.train are copies of others (green" in warning for warning in found)
    assert any("Class green has 21 images in spec.data.train, blue only 2" in warning for warning in found)
    torn = datasets.folder(("red", "blue"), per_class=3) | {"red/blue.png": datasets.picture("blue", 1)}
    (warning,) = execute(probe(request_for, write("torn", torn), trained)).warnings
    assert "1 of 7 images" in warning
    assert "(red/blue.png is blue/001.png): one of the two labels is wrong" in warning


def test_a_probe_draws_its_samples_curve(trained: RunResult, write: Write, request_for: Make) -> None:
    train, test = write("few", datasets.folder(per_class=6)), write("test", datasets.folder(per_class=3, first=50))
    for changes, by in (({"test": test}, "test"), ({}, "not drawn")):
        result = execute(probe(request_for, train, trained, **changes))
        metrics = json.loads((Path(result.uri.removeprefix("file://")) / "metrics.json").read_text())
        curve = metrics["samplesCurve"]
        assert [point["samplesPerClass"] for point in curve] == ([1, 2, 5, 6] if changes else [1, 2, 6])
        assert curve[-1]["accuracy"] == metrics["splits"][metrics["headline"]["split"]]["accuracy"]["value"]
        card = (Path(result.uri.removeprefix("file://")) / "MODEL_CARD.md").read_text()
        assert by in card


def test_one_image_per_class(trained: RunResult, write: Write, request_for: Make) -> None:
    train = write("single", datasets.folder(per_class=1))
    assert execute(probe(request_for, train, trained)).counts.train == 3
    error = refused(request_for(train))
    assert error.reason is Reason.DATA_INVALID
    assert "spec.data.test" in error.message


def test_an_export_that_differs_is_not_published(
    write: Write, request_for: Make, colours: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def other(network: Any, *arguments: Any) -> bytes:
        with torch.no_grad():
            network.head.bias += 0.5
        model = export_onnx(network, *arguments)
        with torch.no_grad():
            network.head.bias -= 0.5
        return model

    monkeypatch.setattr(learn, "export_onnx", other)
    error = refused(request_for(write("train", colours)))
    assert error.reason is Reason.EXPORT_MISMATCH
    assert not list(tmp_path.glob("models/**/manifest.json"))


def test_a_gpu_that_is_not_there_is_reported(trained: RunResult, request_for: Make) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    result = execute(probe(request_for, trained_uri(trained), trained, gpus=1))
    assert any("CUDA" in warning for warning in result.warnings)
