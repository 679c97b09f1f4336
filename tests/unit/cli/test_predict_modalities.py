"""`transfermodel predict` about texts and recordings: the model decides what is asked about."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from transfermodel.workspace import LocalModel

from tests.support.colours import picture
from tests.support.command import command, environment
from tests.support.predictor_sounds import TONES, encode, tone

pytestmark = pytest.mark.unit


def labels(said: str) -> list[str]:
    """Return the labels of a table."""
    return [line.split("%")[0].split()[-2] for line in said.splitlines()[1:]]


def test_texts_of_the_command_line(reviews: LocalModel, tmp_path: Path) -> None:
    asking = ("predict", "reviews", "--text", "a lovely film", "--text", "a dull,\nawful film")
    ended = command(*asking, folder=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0].split() == ["TEXT", "LABEL", "PROBABILITY"]
    assert labels(ended.out) == ["good", "bad"]
    assert "a dull, awful film" in ended.out
    first, second = command(*asking, "--json", folder=tmp_path).json["predictions"]
    assert list(first) == ["text", "label", "probability", "probabilities", "modelVersion"]
    assert (second["text"], second["label"]) == ("a dull,\nawful film", "bad")


def test_text_files_and_a_table_of_the_answers(reviews: LocalModel, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "a.txt").write_text("a lovely film", encoding="utf-8-sig")
    (folder / "b.txt").write_bytes("Stra\N{LATIN SMALL LETTER SHARP S}e awful".encode("latin-1"))
    ended = command("predict", "reviews", "new", "--text", "awful", "--out", "results.csv", folder=tmp_path)
    assert ended.code == 1
    assert (
        "error: new/b.txt: The text is not UTF-8: the byte at position 4 does not fit. Save it as UTF-8." in ended.err
    )
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = [(row["text"], row["file"], row["label"]) for row in csv.DictReader(file)]
    assert rows == [("", "new/a.txt", "good"), ("awful", "", "bad")]


def test_standard_input_is_a_text_per_line(reviews: LocalModel, tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "transfermodel_cli", "predict", "reviews", "-"],
        cwd=tmp_path,
        env=environment(tmp_path),
        input="a lovely film\n\na dull film\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert labels(asked.stdout) == ["good", "bad"]


def test_recordings(sounds: LocalModel, tmp_path: Path) -> None:
    (tmp_path / "tones").mkdir()
    for label, hertz in TONES.items():
        (tmp_path / "tones" / f"{label}.wav").write_bytes(encode(tone(hertz)))
    ended = command("predict", "sounds", "tones", "tones/low.wav", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert labels(ended.out) == ["high", "low"]


def test_samples_of_another_kind(reviews: LocalModel, sounds: LocalModel, colours: LocalModel, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(picture())
    for arguments, code, sentence in (
        (("predict", "reviews", "red.png"), 1, "This is an image, by its name, and the model answers about texts."),
        (("predict", "sounds", "red.png"), 1, "This is an image, by its name, and the model answers about recordings."),
        (
            ("predict", "colours", "--text", "red"),
            2,
            "--text goes with a model of texts; colours answers about images.",
        ),
        (("predict", "reviews", "a lovely film"), 2, "To ask about a text, give it with --text."),
        (("predict", "reviews", "--text", " "), 1, "The text is empty: there is nothing in it but white space."),
        (("predict", "reviews"), 2, "There is nothing to ask about."),
    ):
        ended = command(*arguments, folder=tmp_path)
        assert (ended.code, ended.out) == (code, ""), ended.err
        assert sentence in ended.err
