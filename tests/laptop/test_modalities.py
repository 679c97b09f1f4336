"""Texts and recordings as somebody types it: init, plan, run, predict, describe, report; nobody speaks of images."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import encoders
from tests.support.command import command, environment, start
from tests.support.predictor_sounds import encode, tone
from tests.support.waiting import wait_for

WORDS = {"good": ("good", "great", "fine"), "bad": ("bad", "awful", "poor")}
NOUNS = ("film", "book", "meal", "plot", "song")
ADVERBS = ("very", "not so", "but", "and", "is", "was")
TONES = {"low": 220.0, "high": 2600.0}


def sentences(label: str, first: int, count: int) -> list[str]:
    """Return sentences of one class."""
    words = WORDS[label]
    return [
        f"the {NOUNS[n % len(NOUNS)]} was {ADVERBS[n % len(ADVERBS)]} {words[n % len(words)]} , number {n}"
        for n in range(first, first + count)
    ]


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """Tables of texts, and an encoder."""
    encoders.write(tmp_path / "encoder")
    (tmp_path / "reviews").mkdir()
    for name, first, count in (("train", 0, 24), ("test", 100, 12)):
        with (tmp_path / "reviews" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["review", "verdict"])
            writer.writerows([text, label] for label in WORDS for text in sentences(label, first, count))
    return tmp_path


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Folders of recordings."""
    for part, first, count in (("train", 0, 10), ("test", 100, 10)):
        for label, hertz in TONES.items():
            folder = tmp_path / "sounds" / part / label
            folder.mkdir(parents=True)
            for number in range(first, first + count):
                (folder / f"{number}.wav").write_bytes(encode(tone(hertz * (1 + number % 10 / 50), seconds=0.3)))
    return tmp_path


def ran(folder: Path, *arguments: str) -> str:
    """Return what a command said to people."""
    ended = command(*arguments, folder=folder)
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    return ended.out + ended.err


def test_texts_from_a_table_to_answers(reviews: Path) -> None:
    said = ran(reviews, "init", "reviews", "--weights", "encoder")
    assert "reviews.yaml: 48 texts in 2 classes, 24 to test" in said

    planned = command("plan", "-f", "reviews.yaml", "--json", folder=reviews)
    assert planned.code == 0, planned.err
    (model,) = planned.json["models"]
    assert model["obstacles"] == []
    assert [source["samples"] for source in model["data"]["sources"]] == [48, 24]
    assert model["estimate"]["seconds"]["total"] > 0, model["noEstimate"]

    said += ran(reviews, "plan", "-f", "reviews.yaml") + ran(reviews, "run", "-f", "reviews.yaml")
    assert "on 24 test texts" in said
    assert f"predict reviews --text '{sentences('good', 100, 1)[0]}'" in said

    answers = command("predict", "reviews", "--text", "the book was awful", "--json", folder=reviews)
    assert answers.code == 0, answers.err
    (answer,) = answers.json["predictions"]
    assert answer["text"] == "the book was awful"
    assert set(answer["probabilities"]) == set(WORDS)

    for asking in (("describe", "reviews"), ("versions", "reviews"), ("status", "reviews")):
        said += ran(reviews, *asking)
    said += ran(reviews, "report", "reviews", "--out", "report.html")
    assert "image" not in said.lower()
    assert (reviews / "report.html").read_text().startswith("<!doctype html>")


def test_recordings_from_a_folder_to_a_server(sounds: Path) -> None:
    said = ran(sounds, "init", "sounds", "--scratch")
    assert "sounds.yaml: 20 recordings in 2 classes, 20 to test" in said
    file = sounds / "sounds.yaml"
    file.write_text(file.read_text().replace("epochs: 20", "epochs: 3").replace("size: 64", "size: 32"))
    said += ran(sounds, "run", "-f", "sounds.yaml")
    assert "on 20 test recordings" in said
    assert "predict sounds sounds/test/high/100.wav" in said
    assert "image" not in said.lower()

    with start("run", "-f", "sounds.yaml", "--serve", folder=sounds) as server:
        try:
            wait_for(lambda: "ready" in status(sounds), timeout_seconds=120, what="it serves")
            served = command("predict", "sounds", "sounds/test", "--json", folder=sounds)
            assert served.code == 0, served.err
            assert "http://127.0.0.1" in served.json["answeredBy"]
            client = sounds / ".transfermodel/models/default/sounds/client.py"
            said = python(sounds, client, "sounds/test/low/100.wav")
            assert said.startswith("sounds/test/low/100.wav: ")
        finally:
            server.send_signal(signal.SIGINT)
    here = command("predict", "sounds", "sounds/test", "--json", folder=sounds)
    assert "in this process" in here.json["answeredBy"]
    assert [each["label"] for each in here.json["predictions"]] == [
        each["label"] for each in served.json["predictions"]
    ]
    wrong = command("predict", "sounds", "--text", "hum", folder=sounds)
    assert wrong.code == 2
    assert "--text goes with a model of texts; sounds answers about recordings." in wrong.error


def status(folder: Path) -> str:
    """Return what is known of the model: ready once it is served."""
    found = command("status", "sounds", "--json", folder=folder).json
    return "ready" if found["url"] else ""


def python(folder: Path, program: Path, argument: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", str(program), argument],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
