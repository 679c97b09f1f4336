"""Which files are asked about, and what is said of those that cannot be."""

import os
from pathlib import Path

import pytest
from transfermodel.predictions import inputs
from transfermodel.predictions.inputs import Failure, FileRefused, collect, read
from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.inference.decode import FORMATS

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
    return [str(path) for path in found]


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
    assert found == [Path("b.png")]
    assert failures == [
        Failure("nothing.png", "There is no such file or folder; check the path."),
        Failure("empty", f"There is no image in this folder; looked for {', '.join(inputs.SUFFIXES)}."),
        Failure("*.gif", "No file matches this pattern; check the path."),
    ]


def test_reading(folder: Path) -> None:
    assert read(Path("b.png")) == b"x"
    Path("empty.png").touch()
    with Path("large.png").open("wb") as file:
        file.truncate(inputs.IMAGE_BYTES + 1)
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


def test_the_limits_are_the_predictors() -> None:
    assert Limits().sample_bytes == inputs.IMAGE_BYTES
    formats = {suffix.strip(".").upper().replace("JPG", "JPEG").replace("TIF", "TIFF") for suffix in inputs.SUFFIXES}
    assert {name.replace("TIFFF", "TIFF") for name in formats} == set(FORMATS)
