"""What a command suggests to try a model with: something of its own data, best what it did not learn from."""

from pathlib import Path

import pytest
from transfermodel.predictions.example import example

from tests.support.library import document

pytestmark = pytest.mark.unit

ENCODER = "{name: sentence-transformers/all-MiniLM-L6-v2, weights: {name: DEFAULT}}"
HEAD = "{strategy: FeatureExtraction}"
BOTH = "{train: {uri: train.csv}, test: {uri: test.csv}}"


def of_texts(folder: Path, data: str = BOTH) -> str:
    return example(document(folder, task="TextClassification", backbone=ENCODER, training=HEAD, data=data))


def test_the_first_text_of_the_test_table_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\nlearned,a\n")
    assert of_texts(tmp_path) == "learned"  # there is no test table (yet)
    (tmp_path / "test.csv").write_text('text,label\n"two\nlines, and more",a\n')
    assert of_texts(tmp_path) == "two lines, and more"
    (tmp_path / "test.csv").write_text(f"text,label\n{'word ' * 100},a\n")
    shortened = of_texts(tmp_path)
    assert 150 < len(shortened) <= 200
    assert set(shortened.split()) == {"word"}


def test_columns_of_ones_own_and_tables_of_files(tmp_path: Path) -> None:
    data = "{train: {uri: all.jsonl}, format: {textColumn: review}}"
    (tmp_path / "all.jsonl").write_text('{"text": "no", "review": "yes"}\n')
    assert of_texts(tmp_path, data) == "yes"
    (tmp_path / "all.jsonl").write_text('{"file": "a.txt"}\n')
    (tmp_path / "a.txt").write_text("from a file")
    assert of_texts(tmp_path, data) == "from a file"


@pytest.mark.parametrize("content", ["", "\n", "nothing", "[1]", "text\n\0", "text,label\n"])
def test_tables_that_are_none(tmp_path: Path, content: str) -> None:
    for name in ("a.csv", "a.jsonl"):
        (tmp_path / name).write_text(content)
        assert of_texts(tmp_path, f"{{train: {{uri: {name}}}}}") == "A TEXT OF YOUR OWN"


def test_files_in_folders_and_in_buckets(tmp_path: Path) -> None:
    (tmp_path / "train" / "a").mkdir(parents=True)
    data = "{train: {uri: train}}"
    recordings = document(tmp_path, task="AudioClassification", data=data)
    assert example(recordings) == "RECORDING"
    (tmp_path / "train" / "a" / "1.wav").touch()
    assert example(recordings) == str(tmp_path / "train" / "a" / "1.wav")
    assert example(document(tmp_path, data="{train: {uri: 's3://bucket/train'}}")) == "IMAGE"
