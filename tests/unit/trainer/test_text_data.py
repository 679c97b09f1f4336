"""Texts: in the rows of a table, in files that a table names, in class folders and archives. Recordings are files."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Format, Task
from transfermodel_predictor.artifact.description import TextPreprocessing
from transfermodel_predictor.inference.text import TextPipeline
from transfermodel_trainer.data.classes import check_same_classes, find_classes
from transfermodel_trainer.data.decode import Decoded, decode
from transfermodel_trainer.data.fetch import fetch
from transfermodel_trainer.data.index import read_index
from transfermodel_trainer.data.sources import look_up
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError, StorageFailure

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
CSV, JSONL = "s3://bucket/mails.csv", "s3://bucket/mails.jsonl"
TEXT: Task = "TextClassification"


def refused(content: str, uri: str = CSV, columns: Format | None = None) -> RunError:
    with pytest.raises(RunError) as caught:
        read_index([content.encode()], uri, columns or Format(), task=TEXT)
    assert uri in caught.value.message
    return caught.value


def fetched(uri: str, folder: Path, *, task: Task = TEXT, columns: Format | None = None) -> dict[str, tuple[str, str]]:
    """Return label and text by name, as a run has them in its spool."""
    spool = Spool(folder)
    found = fetch(look_up("train", uri, {}, columns, task), spool, folder, lambda _: None)
    labels = found.classes.labels
    return {
        sample.name: (labels[sample.label], spool.read(sample.position).decode("utf-8", "replace"))
        for sample in found.samples
    }


ROWS = {
    "mails.csv:2": ("ham", "Lunch, at noon?"),
    "mails.csv:3": ("spam", 'A "free" prize\nfor you: 奖品 🎁'),
    "mails.csv:5": ("spam", ""),
    "mails.csv:6": ("ham", "  see you  "),
}


def mails(end: str) -> bytes:
    quoted = {text: '"' + text.replace('"', '""') + '"' for _, text in ROWS.values()}
    return ("text,label" + end + "".join(f"{quoted[text]},{label}{end}" for label, text in ROWS.values())).encode()


@pytest.mark.parametrize("content", [mails("\n"), b"\xef\xbb\xbf" + mails("\r\n")], ids=["plain", "spreadsheet"])
def test_texts_in_the_rows_of_a_table(write: Write, tmp_path: Path, content: bytes) -> None:
    folder = write("mails", {"mails.csv": content})
    assert fetched(f"{folder}/mails.csv", tmp_path) == ROWS, "as they stand, called by the line that they begin in"


def test_texts_in_json_lines(write: Write, tmp_path: Path) -> None:
    rows = [
        {"body": "Hello\n  world", "kind": "ham"},
        {"kind": 1, "body": "\u00fc\U0001f600", "more": []},
        {"body": None, "kind": "1"},
    ]
    folder = write("mails", {"mails.jsonl": "\n\n".join(json.dumps(row) for row in rows).encode()})
    columns = Format(text_column="body", label_column="kind")
    assert fetched(f"{folder}/mails.jsonl", tmp_path, columns=columns) == {
        "mails.jsonl:1": ("ham", "Hello\n  world"),
        "mails.jsonl:3": ("1", "\u00fc\U0001f600"),
        "mails.jsonl:5": ("1", ""),
    }


def test_the_same_text_twice_is_two_samples() -> None:
    found = read_index([b"text,label\nyes,a\nyes,a\nyes,b\n"], CSV, Format(), task=TEXT)
    assert (len(found.classes.members), found.classes.repeated) == (3, 0)


def test_a_table_may_name_text_files(write: Write, tmp_path: Path) -> None:
    table = b"file,label\na/1.txt,x\n2.txt,y\n"
    folder = write("letters", {"table.csv": table, "a/1.txt": b"one", "2.txt": b"two", "3.txt": b"not named"})
    assert fetched(f"{folder}/table.csv", tmp_path) == {"a/1.txt": ("x", "one"), "2.txt": ("y", "two")}


def test_with_both_columns_the_text_is_learned_from() -> None:
    table = [b"file,text,label\nabsent.txt,hello,a\nabsent.txt,bye,b\n"]
    assert read_index(table, CSV, Format(), task=TEXT).texts
    images = read_index([b"file,text,label\n1.png,a red bird,a\n2.png,a wren,b\n"], CSV, Format())
    assert (images.texts, images.classes.members) == (False, (("1.png", 0), ("2.png", 1)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("text,label\n", "it has no rows: add one for each text"),
        (
            "text,lable\nx,y\n",
            "no column label among text, lable: rename a column, or set spec.data.format.labelColumn",
        ),
        (
            "body,label\nx,y\n",
            "no column text among body, label: rename a column, or set spec.data.format.textColumn (or pathColumn, for "
            "a table of files)",
        ),
        ("text;label\nx;y\n", "columns are separated by commas, not by ';'"),
        ("text,text,label\nx,y,z\n", "two columns are called text"),
        (
            "text,label\nGood, but long,positive\n",
            "line 2 has 3 values for 2 columns: put values with commas in quotes",
        ),
        ("text,label\ngood,positive\nbad\n", "line 3: the label is empty"),
        ('text,label\n"two\nlines",a\n"bad', "is no CSV"),
        ('text,label\nx,a\n"two\nlines",\n', "line 3: the label is empty"),
        ('text,label\n"a "free" prize",spam\n', "put texts with commas in quotes, and write a quote in them twice"),
    ],
)
def test_a_bad_table_is_a_sentence(content: str, said: str) -> None:
    error = refused(content)
    assert error.reason is Reason.DATA_INVALID
    assert said in error.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"text": "x"}\n', "line 1 has no key label, only text: add it"),
        ('{"label": "x"}\n', "line 1 has no key text, only label: add it, or set spec.data.format.textColumn (or path"),
        ('{"text": "x", "label": "a"}\n{"file": "y.txt", "label": "b"}\n', "line 2 has no key text, only file, label"),
        ('{"text": 7, "label": "a"}\n', "line 1: 7 is no text: put it in quotes"),
        ('{"text": ["x", "y"], "label": "a"}\n', 'line 1: ["x", "y"] is no text'),
        ('{"text": "x\\ud83d", "label": "a"}\n', "line 1: the text holds half of a character ('\\ud83d')"),
    ],
)
def test_bad_json_lines_are_a_sentence(content: str, said: str) -> None:
    error = refused(content, JSONL)
    assert error.reason is Reason.DATA_INVALID
    assert said in error.message


def test_one_label_is_too_few() -> None:
    assert refused("text,label\nx,a\ny,a\n").reason is Reason.TOO_FEW_CLASSES


def test_a_text_is_not_its_own_label() -> None:
    same = Format(text_column="label")
    assert (
        "the column label cannot be both the text and its label" in refused("text,label\nx,a\n", columns=same).message
    )


def test_the_digest_covers_the_table_alone(write: Write) -> None:
    folder = write("mails", {"mails.csv": datasets.text_table(per_class=2), "other.txt": b"beside it"})
    source = look_up("train", f"{folder}/mails.csv", {}, None, TEXT)
    assert [entry.path for entry in source.objects] == ["mails.csv"]
    before = source.digest()
    write("mails", {"other.txt": b"changed"})
    assert look_up("train", f"{folder}/mails.csv", {}, None, TEXT).digest() == before
    write("mails", {"mails.csv": datasets.text_table(per_class=2, first=1)})
    assert look_up("train", f"{folder}/mails.csv", {}, None, TEXT).digest() != before


@pytest.mark.parametrize("later", [datasets.text_table(per_class=3), b"text,label\nbroken, row,a\n"])
def test_a_change_while_it_is_read_is_noticed(write: Write, tmp_path: Path, later: bytes) -> None:
    folder = write("mails", {"mails.csv": datasets.text_table(per_class=2)})
    source = look_up("train", f"{folder}/mails.csv", {}, None, TEXT)
    write("mails", {"mails.csv": later})
    with pytest.raises(StorageFailure, match="was changed while it was being read"):
        fetch(source, Spool(tmp_path), tmp_path, lambda _: None)


KINDS: Mapping[Task, dict[str, bytes]] = {
    "TextClassification": datasets.texts(per_class=2),
    "AudioClassification": datasets.recordings(per_class=2),
}


@pytest.mark.parametrize("task", KINDS)
@pytest.mark.parametrize("archive", ["", "data.tar.gz", "data.zip"])
def test_class_folders_and_archives(write: Write, tmp_path: Path, task: Task, archive: str) -> None:
    files = KINDS[task]
    if archive == "data.tar.gz":
        uri = write("packed", {archive: datasets.tar(files, compression="gz")}) + f"/{archive}"
    elif archive:
        uri = write("packed", {archive: datasets.zip_archive(files)}) + f"/{archive}"
    else:
        uri = write("folder", files)
    expected = {name: (name.split("/")[0], content.decode("utf-8", "replace")) for name, content in files.items()}
    assert fetched(uri, tmp_path, task=task) == expected


@pytest.mark.parametrize(("task", "many"), [("TextClassification", "texts"), ("AudioClassification", "recordings")])
def test_sentences_speak_of_the_tasks_samples(write: Write, task: Task, many: str) -> None:
    loose = look_up("train", write("loose", {"a.txt": b"x"}), {}, None, task)
    with pytest.raises(RunError, match=f"put the {many} of each class into a sub-folder"):
        loose.classes()
    with pytest.raises(RunError, match=f"class folder c; add {many} to it"):
        find_classes(["a/1", "b/1", "c/"], "s3://bucket/x", task=task)
    two, one = (find_classes(names, "s3://bucket/x", role="test") for names in (["a/1", "b/1"], ["a/1"]))
    with pytest.raises(RunError, match=f"no {many} of b"):
        check_same_classes(two, one, "test", "s3://bucket/x", task)


def test_recordings_in_a_table(write: Write, tmp_path: Path) -> None:
    files = datasets.recordings(per_class=2)
    table = "recording,pitch\n" + "".join(f"{name},{name.split('/')[0]}\n" for name in files)
    folder = write("tones", files | {"tones.csv": table.encode()})
    columns = Format(path_column="recording", label_column="pitch")
    found = fetched(f"{folder}/tones.csv", tmp_path, task="AudioClassification", columns=columns)
    assert {name: label for name, (label, _) in found.items()} == {name: name.split("/")[0] for name in files}


@pytest.fixture
def pipeline() -> TextPipeline:
    """One whose tokenizer knows no word."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    return TextPipeline(TextPreprocessing(max_tokens=8), tokenizer.to_str().encode())


def decoded(write: Write, folder: Path, rows: str, pipeline: TextPipeline) -> Decoded:
    uri = write("texts", {"t.csv": f"text,label\n{rows}".encode()}) + "/t.csv"
    spool = Spool(folder)
    found = fetch(look_up("train", uri, {}, None, TEXT), spool, folder, lambda _: None)
    return decode(found, spool, pipeline, folder, lambda _: None)


def test_empty_texts_are_counted_and_named(write: Write, tmp_path: Path, pipeline: TextPipeline) -> None:
    found = decoded(write, tmp_path, 'yes,a\n"",a\nno,b\n" ",b\n', pipeline)
    assert found.images.names == ["t.csv:2", "t.csv:4"]
    assert found.warning("train") == (
        "2 texts of spec.data.train skipped, not readable as texts: t.csv:3, t.csv:5 (t.csv:3: The text is empty: "
        "there is nothing in it but white space)."
    )


@pytest.mark.parametrize(
    ("rows", "reason", "said"),
    [
        ('"",a\n' * 3 + '"",b\n' * 3, Reason.TOO_MANY_UNREADABLE_FILES, "6 of 6 texts cannot be read as texts"),
        ('"",a\nyes,b\n', Reason.EMPTY_CLASS, "no readable text in class a"),
    ],
)
def test_no_text_can_be_read(
    write: Write, tmp_path: Path, pipeline: TextPipeline, rows: str, reason: Reason, said: str
) -> None:
    with pytest.raises(RunError) as caught:
        decoded(write, tmp_path, rows, pipeline)
    assert caught.value.reason is reason
    assert said in caught.value.message
