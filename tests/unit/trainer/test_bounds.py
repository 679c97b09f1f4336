"""What data may take: memory does not grow with contents, and names are limited."""

import tracemalloc
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import pytest
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Format
from transfermodel_trainer.data import sources
from transfermodel_trainer.data.archives import members
from transfermodel_trainer.data.sources import look_up
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.data.tables import Table
from transfermodel_trainer.errors import RunError

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz"])
def test_an_archive_is_read_member_by_member(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(datasets.tar({f"a/{number}": bytes(2000) for number in range(5000)}, compression=name[6:]))
    tracemalloc.start()
    assert sum(len(member.content) for member in members(path, name)) == 10_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000


def test_a_table_is_read_row_by_row() -> None:
    row = b'"' + b"a text, " * 30 + b'",label\n'
    table = Table("s3://bucket/x.csv", "train", Format(), "TextClassification")
    tracemalloc.start()
    count = sum(1 for _ in table.rows(chain([b"text,label\n"], repeat(row, 40_000))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 40_000
    assert peak < 500_000


def test_a_folder_with_too_many_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_SAMPLES", 5)
    assert len(look_up("train", write("few", {f"a/{number}": b"x" for number in range(5)}), {}).objects) == 5
    with pytest.raises(RunError, match="holds more than 5 files: name a folder with fewer of them") as caught:
        look_up("train", write("many", {f"a/{number}": b"x" for number in range(6)}), {})
    assert caught.value.reason is Reason.DATA_INVALID


def test_a_table_that_is_too_large(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("table", {"x.csv": datasets.text_table()})
    monkeypatch.setattr(sources, "MOST_BYTES", 100)
    with pytest.raises(RunError, match=r"x\.csv is larger than 0 GiB: take a part of its rows"):
        look_up("train", f"{folder}/x.csv", {}, None, "TextClassification")


def test_a_spool_returns_what_it_was_given(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    contents = [b"one", b"", "\u00fc".encode(), b"x" * 100_000]
    positions = [spool.add(content) for content in contents]
    assert positions == [0, 1, 2, 3]
    assert [spool.read(position) for position in reversed(positions)] == contents[::-1]
    assert spool.digest(1) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert list(tmp_path.iterdir()) == []
