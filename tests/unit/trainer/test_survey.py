"""What is known of texts and recordings before a run; the command's tests have the images."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transfermodel_operator.api import RunRequest
from transfermodel_trainer.planning.survey import survey

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]


def test_texts_of_a_table(write: Write, request_for: Make, tmp_path: Path) -> None:
    table = datasets.text_table(per_class=4) + b'"  ",weather\n'
    folder = write("texts", {"train.csv": table, "test.csv": datasets.text_table(per_class=2, first=3)})
    request = request_for(f"{folder}/train.csv", test=f"{folder}/test.csv", task="TextClassification")
    found = survey(request, {}, tmp_path)
    assert found.problems == []
    train = found.sources[0]
    assert (train.samples, train.decoded, train.looked_into, train.median_side) == (13, 13, True, None)
    assert [(each.name, "empty" in each.problem) for each in train.unreadable] == [("train.csv:14", True)]
    (between,) = found.duplicates
    assert (between.splits, between.count) == (("train", "test"), 3)
    assert ["train.csv:5", "test.csv:2"] in between.examples


@pytest.mark.parametrize("wrong", [b"ID3 and no more", b"", b"plain text"])
def test_recordings_in_folders(write: Write, request_for: Make, tmp_path: Path, wrong: bytes) -> None:
    folder = write("tones", datasets.recordings(per_class=3) | {"low/wrong.wav": wrong})
    found = survey(request_for(folder, task="AudioClassification"), {}, tmp_path)
    assert found.problems == []
    (train,) = found.sources
    assert (train.samples, train.unreadable_count, train.median_side, train.tiny_count) == (10, 1, None, 0)
    assert train.unreadable[0].name == "low/wrong.wav"


def test_other_classes_in_the_words_of_the_task(write: Write, request_for: Make, tmp_path: Path) -> None:
    train, test = write("train", datasets.texts()), write("test", datasets.texts(("weather", "kitchen")))
    (problem,) = survey(request_for(train, test=test, task="TextClassification"), {}, tmp_path).problems
    assert "no texts of football" in problem.message
