"""`transfermodel predict` on this machine: with the artifact in its own process, and through a server."""

import csv
from pathlib import Path

import pytest
from transfermodel.workspace import LocalModel, Workspace

from tests.support.colours import picture
from tests.support.command import command

pytestmark = pytest.mark.unit


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "blue.png").write_bytes(picture((20, 20, 220)))
    (folder / "red.png").write_bytes(picture((220, 20, 20)))
    return folder


def test_files_folders_and_patterns(colours: LocalModel, images: Path, tmp_path: Path) -> None:
    ended = command("predict", "colours", "images/red.png", "images", "images/*.png", folder=tmp_path)
    assert ended.code == 0, ended.err
    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[0] == ["FILE", "LABEL", "PROBABILITY"]
    assert [row[:2] for row in rows[1:]] == [["images/red.png", "red"], ["images/blue.png", "blue"]]
    assert all("█" in row[-1] for row in rows[1:])
    assert "in this process, as no server runs" in ended.err


def test_json(colours: LocalModel, images: Path, tmp_path: Path) -> None:
    ended = command("predict", "colours", "images", "nothing.png", "--json", folder=tmp_path)
    assert ended.code == 1
    assert list(ended.json) == ["name", "answeredBy", "predictions", "failures"]
    first = ended.json["predictions"][0]
    assert list(first) == ["file", "label", "probability", "probabilities", "modelVersion"]
    assert first["file"] == "images/blue.png"
    assert first["label"] == "blue"
    assert ended.json["failures"] == [
        {"file": "nothing.png", "message": "There is no such file or folder; check the path."}
    ]


def test_broken_files_are_told_one_by_one_and_cost_nothing_else(
    colours: LocalModel, images: Path, tmp_path: Path
) -> None:
    (images / "broken.png").write_bytes(b"no image")
    (images / "empty.png").touch()
    ended = command("predict", "colours", "images", "none-*.png", folder=tmp_path)
    assert ended.code == 1
    assert [line.split()[:2] for line in ended.out.splitlines()[1:]] == [
        ["images/blue.png", "blue"],
        ["images/red.png", "red"],
    ]
    assert [line for line in ended.err.splitlines() if line.startswith("error")] == [
        "error: none-*.png: No file matches this pattern; check the path.",
        "error: images/broken.png: The bytes are not an image: send one of PNG, JPEG, WEBP, BMP, GIF, TIFF.",
        "error: images/empty.png: This file is empty; give an image.",
    ]


def test_a_table_for_other_programs(colours: LocalModel, images: Path, tmp_path: Path) -> None:
    for number in range(30):
        (images / f"more{number:02}.png").write_bytes(picture((20, 220, 20)))
    ended = command("predict", "colours", "images", "--out", "results.csv", folder=tmp_path)
    assert ended.code == 0
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 32
    assert rows[0]["file"] == "images/blue.png"
    assert float(rows[0]["probability of blue"]) > 0.9
    assert "… and 12 more. Most frequent: 30 green, 1 blue, 1 red." in ended.out
    assert "Every label's probability is in results.csv." in ended.out


def test_names_that_look_like_markup_are_printed_as_they_are(colours: LocalModel, images: Path, tmp_path: Path) -> None:
    (images / "red.png").rename(images / "[bold]x.png")
    assert "images/[bold]x.png" in command("predict", "colours", "images", folder=tmp_path).out
    assert "[bold]none" in command("predict", "colours", "[bold]none", folder=tmp_path).err


def test_a_model_without_a_version(images: Path, tmp_path: Path) -> None:
    Workspace(tmp_path / ".transfermodel").make("colours", "default")
    ended = command("predict", "colours", "images", folder=tmp_path)
    assert ended.code == 6
    assert ended.error == (
        "error: colours has no version yet: no run of it has succeeded.\n"
        "→ See why with `transfermodel status colours`.\n"
    )


def test_an_artifact_that_was_changed_is_not_used(colours: LocalModel, images: Path, tmp_path: Path) -> None:
    version = colours.newest()
    assert version is not None
    (version.folder / "model.onnx").write_bytes(b"changed")
    ended = command("predict", "colours", "images", folder=tmp_path)
    assert ended.code != 0
    assert "model.onnx" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
