"""The result object, on a tiny real artifact."""

import io
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transfermodel
from PIL import Image
from transfermodel.errors import DataInvalid, NotFound, TransferModelError, UsageError
from transfermodel.workspace import Workspace

from tests.support.colours import LABELS, write_artifact
from tests.support.library import run_result
from tests.support.predictor_sounds import TONES, encode, tone, write_sound_artifact
from tests.support.predictor_texts import write_text_artifact

pytestmark = pytest.mark.unit
RED = np.zeros((16, 16, 3), np.uint8) + np.array([255, 0, 0], np.uint8)


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> transfermodel.Result:
    """A version of the working directory's workspace."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRANSFERMODEL_WORKSPACE", raising=False)
    workspace = Workspace()
    digest = write_artifact(workspace.artifacts / "x")
    recorded = run_result("file:///x", digest=digest, warnings=["2 files are no <images>."])
    workspace.make("colours", "default").record_version(recorded, "x", {})
    return transfermodel.load("colours")


def png(pixels: Any) -> bytes:
    """Return a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def test_what_it_tells(result: transfermodel.Result, tmp_path: Path) -> None:
    assert (result.name, result.namespace, result.version) == ("colours", "default", "v1")
    assert result.metrics == {"accuracy": 0.9, "accuracyLow": 0.8, "accuracyHigh": 0.95}
    assert (result.accuracy, result.split) == (0.9, "test")
    assert result.counts == {"classes": 3, "train": 30, "validation": 6, "test": 18, "skipped": 0}
    assert result.seconds["total"] == 12.0
    assert result.labels == LABELS
    assert result.artifact.samefile(tmp_path / ".transfermodel/artifacts/x")
    assert result.report == result.artifact / "report.html"
    assert repr(result) == "<Result colours v1: accuracy 0.9000 on test>"


def test_one_image_of_any_kind_is_one_prediction(result: transfermodel.Result, tmp_path: Path) -> None:
    file = tmp_path / "red.png"
    file.write_bytes(png(RED))
    for image in (str(file), file, file.read_bytes(), Image.fromarray(RED), RED):
        answer = result.predict(image)
        assert (answer.label, answer.model_version) == ("red", "v1")
        assert answer.probability == max(answer.probabilities.values()) > 0.9
        assert answer.file == (str(file) if isinstance(image, str | Path) else None)


def test_a_list_is_a_list_of_predictions(result: transfermodel.Result) -> None:
    assert [answer.label for answer in result.predict([RED, RED[:, :, ::-1]])] == ["red", "blue"]
    assert result.predict([]) == []
    assert [answer.label for answer in result.predict((RED,))] == ["red"]


def test_grey_arrays_are_images_too(result: transfermodel.Result) -> None:
    answer = result.predict(np.full((20, 30), 200, np.uint8))
    assert max(answer.probabilities.values()) == pytest.approx(1 / 3)


def loaded(tmp_path: Path, task: str, write: Callable[[Path], str]) -> transfermodel.Result:
    """Return a version of another task."""
    workspace = Workspace(tmp_path / task)
    recorded = run_result("file:///x", digest=write(workspace.artifacts / "x"))
    workspace.make("other", "default").record_version(recorded, "x", {"task": task})
    return transfermodel.load("other", workspace=workspace.root)


def test_a_string_is_a_text_and_a_path_a_file(tmp_path: Path) -> None:
    result = loaded(tmp_path, "TextClassification", write_text_artifact)
    file = tmp_path / "review.txt"
    file.write_text("a dull film")
    answers = result.predict(list[Any](["a lovely film", file, b"awful"]))
    assert [answer.label for answer in answers] == ["good", "bad", "bad"]
    assert [(answer.text, answer.file) for answer in answers] == [
        ("a lovely film", None),
        (None, str(file)),
        (None, None),
    ]
    with pytest.raises(DataInvalid, match="Text 1: The text is empty"):
        result.predict(["a", ""])
    with pytest.raises(UsageError, match=r"Text 0 is a int\. Pass a string"):
        result.predict(7)  # type: ignore[call-overload]
    assert '<th scope="row" style="text-align:left">texts</th>' in result._repr_html_()


def test_a_recording_is_a_path_or_bytes(tmp_path: Path) -> None:
    result = loaded(tmp_path, "AudioClassification", write_sound_artifact)
    file = tmp_path / "high.wav"
    file.write_bytes(encode(tone(TONES["high"])))
    assert [answer.label for answer in result.predict(list[Any]([str(file), file, file.read_bytes()]))] == ["high"] * 3
    with pytest.raises(DataInvalid, match="Recording 0: The bytes are not a recording"):
        result.predict(png(RED))


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (np.zeros((4, 4, 3), np.float32), r"float32 with the shape \(4, 4, 3\).*uint8"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"shape \(2, 4, 4, 3\)"),
        (np.zeros((4, 4, 4), np.uint8), r"shape \(4, 4, 4\)"),
        (7, "is a int"),
        ("nowhere.png", r"no file nowhere\.png"),
        (".", r"\. is a folder.*glob"),
    ],
)
def test_what_is_no_image_is_a_sentence(result: transfermodel.Result, image: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        result.predict(image)


def test_what_cannot_be_decoded_is_a_sentence_with_its_name(result: transfermodel.Result, tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("no image")
    with pytest.raises(DataInvalid, match=r"note\.png: The bytes are not an image"):
        result.predict("note.png")
    with pytest.raises(DataInvalid, match="Image 1: The image is empty"):
        result.predict(list[Any]([RED, b""]))


def test_an_artifact_that_was_changed_answers_nothing(result: transfermodel.Result) -> None:
    (result.artifact / "model.json").write_text("{}")
    with pytest.raises(TransferModelError, match="somebody replaced it"):
        result.predict(RED)


def test_an_artifact_that_is_gone_is_a_sentence(result: transfermodel.Result) -> None:
    (result.artifact / "manifest.json").unlink()
    with pytest.raises(NotFound, match=r"artifact of colours v1 is gone.*Train colours again"):
        _ = result.labels


def test_the_table_of_a_notebook_is_escaped_and_whole(result: transfermodel.Result) -> None:
    markup = result._repr_html_()
    assert "<images>" not in markup
    assert "2 files are no &lt;images&gt;." in markup
    assert "0.9000 (0.8000 to 0.9500) on test" in markup
    assert str(Path.cwd()) not in markup
    assert "color:" not in markup  # the notebook's own, light or dark
    opened: list[str] = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Balance().feed(markup)
    assert opened == []


def test_loading_what_is_not_there_is_a_sentence(result: transfermodel.Result) -> None:
    with pytest.raises(NotFound, match=r"There are: colours \(default\)"):
        transfermodel.load("digits")
    with pytest.raises(NotFound, match=r"colours has no version v2\. There are: v1"):
        transfermodel.load("colours", version="v2")
    Workspace().make("empty", "default")
    with pytest.raises(NotFound, match="empty has no version yet"):
        transfermodel.load("empty")
    assert transfermodel.load("colours", version="v1").digest == result.digest
