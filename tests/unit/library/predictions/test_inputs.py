"""Which files are asked about, and what is said of those that cannot be."""

import io
import os
from pathlib import Path

import pytest
from transfermodel.modalities import AUDIO, IMAGE, MODALITIES, SAMPLE_BYTES, TEXT, Modality
from transfermodel.predictions.inputs import Asked, Failure, FileRefused, collect, given_text, read
from transfermodel_predictor.artifact.description import MODALITIES as TASK_MODALITIES
from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.inference import audio
from transfermodel_predictor.inference.decode import FORMATS
from transfermodel_predictor.protocol.forms import FORMS
from transfermodel_trainer.data.nouns import NOUNS

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.png", "a.JPG", "deep/er/c.webp", "notes.txt", ".hidden.png", ".hidden/d.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")
    return tmp_path


def names(*arguments: str) -> list[str]:
    found, failures = collect(arguments)
    assert not failures
    return [asked.name for asked in found]


def test_folders_are_searched_for_images_in_order(folder: Path) -> None:
    assert names(".") == ["a.JPG", "b.png", "deep/er/c.webp"]
    assert names("deep") == ["deep/er/c.webp"]


def test_named_files_are_taken_whatever_they_are_called_and_each_once(folder: Path) -> None:
    assert names("notes.txt", "b.png", "notes.txt", ".") == ["notes.txt", "b.png", "a.JPG", "deep/er/c.webp"]


def test_patterns_that_the_shell_left_alone(folder: Path) -> None:
    assert names("*.png") == ["b.png"]
    assert names("**/*.webp") == ["deep/er/c.webp"]
    Path("[1].png").write_bytes(b"x")
    assert names("[1].png") == ["[1].png"]


def test_the_users_folder_may_be_a_tilde(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "deep"))
    assert names("~/er") == [str(folder / "deep/er/c.webp")]


def test_what_names_nothing_is_told_and_costs_nothing_else(folder: Path) -> None:
    Path("empty").mkdir()
    found, failures = collect(["nothing.png", "b.png", "empty", "*.gif"])
    assert found == [Asked("b.png")]
    assert failures == [
        Failure("nothing.png", "There is no such file or folder; check the path."),
        Failure("empty", f"There is no image in this folder; looked for {', '.join(IMAGE.suffixes)}."),
        Failure("*.gif", "No file matches this pattern; check the path."),
    ]


def test_reading(folder: Path) -> None:
    assert read(Path("b.png")) == b"x"
    Path("empty.png").touch()
    with Path("large.png").open("wb") as file:
        file.truncate(SAMPLE_BYTES + 1)
    for name, message in {
        "empty.png": "This file is empty; give an image.",
        "deep": "This is not a file; give the path of an image.",
        "gone.png": "This is not a file; give the path of an image.",
        "large.png": "This file has 20 MB and at most 20 MB are accepted; "
        "make the image smaller, the model scales it down anyway.",
    }.items():
        with pytest.raises(FileRefused) as refused:
            read(Path(name))
        assert str(refused.value) == message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(folder: Path) -> None:
    Path("b.png").chmod(0)
    with pytest.raises(FileRefused, match="may not be read"):
        read(Path("b.png"))


def test_the_limits_and_words_are_the_predictors_and_the_trainers() -> None:
    assert Limits().sample_bytes == SAMPLE_BYTES
    formats = {suffix.strip(".").upper().replace("JPG", "JPEG").replace("TIF", "TIFF") for suffix in IMAGE.suffixes}
    assert {name.replace("TIFFF", "TIFF") for name in formats} == set(FORMATS)
    assert {suffix.strip(".").upper() for suffix in AUDIO.suffixes} == set(audio.FORMATS)
    assert {each.task: (each.key, each.many) for each in MODALITIES.values()} == {
        form_task: (FORMS[modality].name, FORMS[modality].many) for form_task, modality in TASK_MODALITIES.items()
    }
    assert {each.task: (each.one, each.many, each.formats) for each in MODALITIES.values()} == {
        task: (nouns.one, nouns.many, nouns.formats) for task, nouns in NOUNS.items()
    }


def test_files_of_another_kind_are_told_by_their_names(folder: Path) -> None:
    Path("a.wav").write_bytes(b"x")
    for name, modality, said in (
        ("b.png", TEXT, "This is an image, by its name, and the model answers about texts."),
        ("b.png", AUDIO, "This is an image, by its name, and the model answers about recordings."),
        ("a.wav", IMAGE, "This is a recording, by its name, and the model answers about images."),
    ):
        with pytest.raises(FileRefused) as refused:
            read(Path(name), modality)
        assert str(refused.value) == said
    assert read(Path("notes.txt"), TEXT) == b"x"


@pytest.mark.parametrize(
    ("modality", "wanted"),
    [
        (TEXT, [given_text("one text"), given_text("another")]),
        (AUDIO, [Asked("-", b"\xef\xbb\xbfone text\r\n\n  \nanother")]),
    ],
)
def test_standard_input_is_a_text_per_line_or_one_file(
    modality: Modality, wanted: list[Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Piped:
        buffer = io.BytesIO(b"\xef\xbb\xbfone text\r\n\n  \nanother")

    monkeypatch.setattr("sys.stdin", Piped)
    assert collect(["-"], modality) == (wanted, [])


def test_a_text_that_is_no_file_may_be_meant_as_a_text(folder: Path) -> None:
    _, (failure,) = collect(["I love it"], TEXT)
    assert failure.message.endswith("To ask about a text, give it with --text.")
