"""Index files: tables of image files and their labels."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from transfermodel_operator.api import Reason, RunRequest
from transfermodel_operator.api.spec import Format
from transfermodel_trainer import inputs
from transfermodel_trainer.data import index
from transfermodel_trainer.data.classes import Classes
from transfermodel_trainer.data.index import is_index, read_index
from transfermodel_trainer.data.sources import look_up
from transfermodel_trainer.errors import RunError, StorageFailure
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.run import execute

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]

CSV, JSONL = "s3://bucket/birds.csv", "s3://bucket/birds.jsonl"
BIRDS = Classes(("owl", "wren"), (("a/1.png", 0), ("b.png", 1), ("c.png", 1)), outside=0)


def read(text: str | bytes, uri: str = CSV, columns: Format | None = None, role: str = "train") -> Classes:
    content = text.encode() if isinstance(text, str) else text
    pieces = [content[start : start + 7] for start in range(0, len(content), 7)]
    return read_index(pieces, uri, columns or Format(), role=role).classes


def refused(text: str | bytes, uri: str = CSV, columns: Format | None = None) -> str:
    with pytest.raises(RunError) as caught:
        read(text, uri, columns)
    assert caught.value.reason is Reason.DATA_INVALID
    assert uri in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "file,label\nb.png,wren\na/1.png,owl\nc.png,wren\n",
        "file,label\r\nb.png,wren\r\na/1.png,owl\r\nc.png,wren",
        b"\xef\xbb\xbffile,label\nb.png,wren\na/1.png,owl\nc.png,wren\n",
        'id, label , file\n7,wren,b.png\n\n8, owl ,"./a/1.png"\n9,"wren",c.png\n',
        "file,label\nb.png,wren\na\\1.png,owl\nc.png,wren, ,\n",
        "file,label\rb.png,wren\ra/1.png,owl\rc.png,wren\r",
    ],
    ids=["plain", "windows", "byte order mark", "other columns, quotes, blanks", "backslashes, empty cells", "old mac"],
)
def test_a_table(text: str | bytes) -> None:
    assert read(text) == BIRDS


def test_json_lines() -> None:
    rows = [{"file": "b.png", "label": "wren", "id": 1}, {"file": "a/1.png", "label": "owl"}]
    text = "\n".join(json.dumps(row) for row in rows) + '\n\n{"label": "wren", "file": "c.png"}\n'
    assert read(text, JSONL) == BIRDS
    assert read('\ufeff{"file": "x", "label": 10}\n{"file": "y", "label": 9}', JSONL).labels == ("10", "9")


def test_columns_of_other_names() -> None:
    columns = Format(path_column="image path", label_column="species")
    assert read("species,image path\nowl,a/1.png\nwren,b.png\nwren,c.png\n", columns=columns) == BIRDS
    said = refused("file,label\na,b\n", columns=columns)
    assert "no column image path among file, label" in said
    assert "spec.data.format.pathColumn" in said


def test_rows_that_repeat_a_file_are_counted_once() -> None:
    found = read("file,label\nb.png,wren\na/1.png,owl\n./b.png,wren\nc.png,wren\n")
    assert (found.members, found.repeated) == (BIRDS.members, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("file,label\n", "it has no rows"),
        ("file,lable\na.png,x\n", "no column label among file, lable: rename a column, or set spec.data.format.label"),
        ("file;label\na.png;x\n", "columns are separated by commas, not by ';'"),
        ("file,label,label\na.png,x,y\n", "two columns are called label"),
        ("file,label\na.png,owl\nb.png,\n", "line 3: the label is empty"),
        ("file,label\na.png,owl\nb.png\n", "line 3: the label is empty"),
        ("file,label\n,owl\n", "line 2: no file is named"),
        ("file,label\na.png,owl\nb,c.png,owl\n", "line 3 has 3 values for 2 columns: put values with commas in quotes"),
        ('file,label\n"a\nb.png",owl\n', "line 2: 'a\\nb.png' is no file name"),
        ('file,label\na.png,"o\u2028wl"\n', "line 2: the label 'o\\u2028wl' has more than 255 characters, or some"),
        ("file,label\n../a.png,owl\n", "line 2: ../a.png leads out of the index file's folder"),
        ("file,label\na/../../b.png,owl\n", "line 2: a/../../b.png leads out"),
        ("file,label\n/etc/passwd,owl\n", "line 2: /etc/passwd leads out"),
        ("file,label\nC:\\a.png,owl\n", "line 2: C:/a.png leads out"),
        ("file,label\ns3://other/a.png,owl\n", "line 2: s3://other/a.png is a URI"),
        ("file,label\n.,owl\n", "line 2: '.' is no file name"),
        ("file,label\na.png,owl\nb.png,wren\na.png,wren\n", "line 4: a.png is wren here, and owl in line 2"),
        ('file,label\n"a.png,owl\n', "is no CSV"),
        (
            'file,label\n"' + "a.png,owl\n" * 110_000,
            "has more than 1048576 characters: shorten it, or close the quotes",
        ),
        ("file,label\n" + "a" * (5 << 20), "line 2 is longer than 4 MiB"),
        ("file,label\na.png,B\xe4r\n".encode("latin-1"), "line 2 is not UTF-8"),
        ("file,label\n".encode("utf-16"), "line 1 is not UTF-8"),
        ("file,label\n".encode("utf-16-le"), "line 1 is not UTF-8"),
        (f"file,label\na.png,{'x' * 300}\n", "line 2: the label"),
    ],
)
def test_a_bad_table_is_a_sentence(text: str | bytes, said: str) -> None:
    assert said in refused(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"file": "a"}\n', "line 1 has no key label, only file: add it, or set spec.data.format.labelColumn"),
        ('{"file": "a", "label": "x"}\n{"file": ', "line 2 is no JSON ("),
        ('["a", "x"]\n', "line 1 is no JSON object"),
        ('{"file": "a", "label": ["x"]}\n', 'line 1: the label ["x"] is neither text nor a whole number'),
        ('{"file": "a", "label": true}\n', "line 1: the label true is neither"),
        ('{"file": "a", "label": null}\n', "line 1: the label is empty"),
        ('{"file": 7, "label": "x"}\n', "line 1: no file is named"),
        ('{"file": "a\\ud800", "label": "x"}\n', "line 1: 'a\\ud800' is no file name"),
        ('{"file": "a", "label": "x\\ud800"}\n', "line 1: the label 'x\\ud800' has"),
        ("[" * 100_000, "line 1 is no JSON ("),
        ("", "it has no rows"),
    ],
)
def test_bad_json_lines_are_a_sentence(text: str, said: str) -> None:
    assert said in refused(text, JSONL)


def test_of_many_bad_rows_the_first_are_told() -> None:
    said = refused("file,label\n" + "x.png,\n" * 12)
    assert "line 2: the label is empty; line 3" in said
    assert said.endswith("and 7 more lines are wrong.")


def test_one_label_is_too_few_to_learn_from_but_not_to_be_judged_by() -> None:
    with pytest.raises(RunError) as caught:
        read("file,label\na.png,owl\n")
    assert caught.value.reason is Reason.TOO_FEW_CLASSES
    assert read("file,label\na.png,owl\n", role="test").labels == ("owl",)


def test_a_label_is_one_however_unicode_spells_it() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    found = read(f"file,label\na.png,{composed}\nb.png,{decomposed}\nc.png,\U0001f469\u200d\U0001f52c\n")
    assert found.labels == (composed, "\U0001f469\u200d\U0001f52c")


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MOST_SAMPLES", 3)
    rows = [f"{name}.png,{name}\n" for name in "abcd"]
    assert len(read("file,label\n" + "".join(rows[:3])).members) == 3
    assert "it has more than 3 rows: take a part of them" in refused("file,label\n" + "".join(rows))


def test_what_an_index_is() -> None:
    assert is_index("s3://b/a.csv")
    assert is_index("file:///a.jsonl")
    assert not is_index("s3://b/a.csv/")
    assert not is_index("s3://b/a.json")


# -- from files


def table(files: dict[str, bytes]) -> bytes:
    """An index of class folders."""
    return ("file,label\n" + "".join(f"{name},{name.split('/')[0]}\n" for name in files)).encode()


@pytest.fixture
def birds(write: Write, colours: dict[str, bytes]) -> str:
    """A folder of images, with index and other things beside them."""
    strange = {"odd #1 %20.png": datasets.picture("red", 70)}
    rows = table(colours) + b"odd #1 %20.png,red\n"
    return write("birds", colours | strange | {"index.csv": rows, "notes.txt": b"not named"})


def test_a_run_on_an_index(birds: str, write: Write, request_for: Make) -> None:
    test = write("test", datasets.folder(per_class=2, first=50))
    result = execute(request_for(f"{birds}/index.csv", test=test), {}, Progress(quiet=True))
    assert (result.counts.classes, result.counts.skipped) == (3, 0)
    assert result.counts.train + result.counts.validation == 19
    assert result.counts.test == 6


def test_the_digest_covers_the_index_and_what_it_names(birds: str, write: Write, request_for: Make) -> None:
    def digests() -> str:
        return inputs.resolve(request_for(f"{birds}/index.csv"), {}).digest

    before = digests()
    assert digests() == before
    write("birds", {"notes.txt": b"other notes"})
    assert digests() == before, "nobody named it"
    write("birds", {"red/000.png": datasets.picture("red", 900)})
    changed = digests()
    assert changed != before
    table_file = Path(birds.removeprefix("file://")) / "index.csv"
    table_file.write_bytes(table_file.read_bytes().replace(b"red/000.png,red", b"red/000.png,blue"))
    assert digests() not in (before, changed), "the same files, another label"


def test_files_that_are_not_there_are_named(birds: str) -> None:
    folder = Path(birds.removeprefix("file://"))
    (folder / "red" / "001.png").unlink()
    with pytest.raises(RunError) as caught:
        look_up("train", f"{birds}/index.csv", {})
    assert caught.value.reason is Reason.DATA_NOT_FOUND
    assert "1 file is not there (red/001.png)" in caught.value.message
    with pytest.raises(RunError, match=r"absent\.csv does not exist"):
        look_up("train", f"{birds}/absent.csv", {})


def test_a_change_while_it_is_read_is_noticed(birds: str, request_for: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(birds.removeprefix("file://"))

    def look_and_change(*arguments: object) -> inputs.Inputs:
        found = resolve(*arguments)  # type: ignore[arg-type]
        (folder / "red" / "001.png").write_bytes(datasets.picture("red", 901))
        return found

    resolve = inputs.resolve
    monkeypatch.setattr(inputs, "resolve", look_and_change)
    with pytest.raises(StorageFailure, match="was changed while it was being read"):
        execute(request_for(f"{birds}/index.csv"), {}, Progress(quiet=True))


def test_repeated_rows_are_a_warning(birds: str, request_for: Make) -> None:
    table_file = Path(birds.removeprefix("file://")) / "index.csv"
    table_file.write_bytes(table_file.read_bytes() + b"red/000.png,red\n")
    result = execute(request_for(f"{birds}/index.csv"), {}, Progress(quiet=True))
    assert "Rows of spec.data.train that name a file for the second time were ignored: 1." in result.warnings
