"""Logits, answers, and a real graph of ONNX Runtime."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.inference.classifier import CHUNK, Classifier
from transfermodel_predictor.inference.decode import UnreadableImage
from transfermodel_predictor.inference.head import predictions, probabilities
from transfermodel_predictor.inference.pipelines import pipeline_of
from transfermodel_predictor.inference.session import open_session

from tests.support.colours import LABELS, colour_model, describe, picture

pytestmark = pytest.mark.unit
COLOURS = {"red": (230, 20, 20), "green": (20, 230, 20), "blue": (20, 20, 230)}


def classifier_of(description: ModelDescription, model: bytes) -> Classifier:
    session = open_session(model, 1, description.signature.inputs)
    return Classifier(description, session, pipeline_of(description.preprocessing, {}))


def open_files() -> int:
    """Return how many files this process has open: of Linux alone."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return classifier_of(describe(), colour_model())


@given(st.lists(st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3), min_size=1, max_size=5))
def test_probabilities_are_a_distribution_in_the_order_of_the_logits(rows: list[list[float]]) -> None:
    logits = np.array(rows, np.float32)
    shares = probabilities(logits)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert (shares.max(axis=1) == shares[np.arange(len(rows)), logits.argmax(axis=1)]).all()


def test_probabilities_are_the_softmax() -> None:
    np.testing.assert_allclose(probabilities(np.log(np.array([[1, 2, 7]], np.float32))), [[0.1, 0.2, 0.7]], rtol=1e-5)


def test_an_answer_names_the_likeliest_label() -> None:
    (answer,) = predictions(np.array([[0.0, 3.0, 1.0]], np.float32), LABELS)
    assert answer.label == "green"
    assert answer.probability == answer.probabilities["green"] == max(answer.probabilities.values())
    assert tuple(answer.probabilities) == LABELS


def test_colours_are_told_apart_in_order(classifier: Classifier) -> None:
    names = ["blue", "red", "green"] * CHUNK  # several chunks, the last one not full
    answers = classifier.predict([picture(COLOURS[name]) for name in names[:-1]])
    assert [answer.label for answer in answers] == names[:-1]
    assert all(answer.probability > 0.99 for answer in answers)


def test_a_batch_answers_as_single_images_do(classifier: Classifier) -> None:
    images = [picture((50 + 9 * i, 90, 200 - 9 * i), (20 + i, 30)) for i in range(CHUNK + 3)]
    together = classifier.predict(images)
    for image, answer in zip(images, together, strict=True):
        (alone,) = classifier.predict([image])
        assert alone.label == answer.label
        assert alone.probabilities == pytest.approx(answer.probabilities, abs=1e-5)


def test_one_bad_image_fails_the_batch(classifier: Classifier) -> None:
    with pytest.raises(UnreadableImage):
        classifier.predict([picture(), b"no image"])


def test_no_images_no_answers(classifier: Classifier) -> None:
    assert classifier.predict([]) == []


def test_warm_up_passes_on_a_model_that_answers(classifier: Classifier) -> None:
    classifier.warm_up()


def test_labels_must_be_as_many_as_outputs() -> None:
    with pytest.raises(ArtifactMalformed, match=r"3 outputs, model\.json 2 labels"):
        classifier_of(describe(("a", "b")), colour_model())


def test_a_graph_of_another_input_size_fails_its_warm_up() -> None:
    classifier = classifier_of(describe(size=17), colour_model(16))
    with pytest.raises(ArtifactMalformed, match="fails on a sample without content"):
        classifier.warm_up()


def test_a_graph_with_other_names_is_refused() -> None:
    with pytest.raises(ArtifactMalformed, match=r"\['scores'\]"):
        open_session(colour_model(output="scores"), 1, ("images",))


@pytest.mark.parametrize("files_in_memory", [True, False])
@pytest.mark.parametrize("kind", [bytes, memoryview])
def test_a_graph_opens_from_memory_and_leaves_no_file_open(
    monkeypatch: pytest.MonkeyPatch, kind: Callable[[bytes], bytes | memoryview], files_in_memory: bool
) -> None:
    if not files_in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)  # as on macOS
    before = open_files()
    session = open_session(kind(colour_model()), 1, ("images",))
    assert session.logits({"images": np.zeros((1, 3, 16, 16), np.float32)}).shape == (1, 3)
    assert open_files() == before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a graph is opened from bytes, beside the working folder")
@pytest.mark.parametrize("location", ["weights", "../environ", "../../environ", "/proc/self/environ"])
def test_a_graph_whose_weights_lie_in_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    (tmp_path / "weights").write_bytes(bytes(36))
    monkeypatch.chdir(tmp_path)
    model = onnx.load_model_from_string(colour_model())
    (weights,) = model.graph.initializer
    onnx.external_data_helper.set_external_data(weights, location, offset=0, length=36)
    weights.ClearField("raw_data")
    with pytest.raises(ArtifactMalformed, match=r"model\.onnx cannot be loaded: .*External data path"):
        open_session(model.SerializeToString(), 1, ("images",))


@pytest.mark.parametrize("data", [b"", b"not onnx", colour_model()[:-40]])
def test_what_is_no_graph_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactMalformed, match=r"model\.onnx cannot be loaded"):
        open_session(data, 1, ("images",))
