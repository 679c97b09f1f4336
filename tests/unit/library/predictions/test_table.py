"""The table of answers: whole or not there, and read by others as it was meant."""

import csv
import os
import resource
import signal
from pathlib import Path

import pytest
from transfermodel.errors import UsageError
from transfermodel.predictions.table import check_writable, write_csv
from transfermodel.predictions.types import Prediction

pytestmark = pytest.mark.unit

ANSWERS = [
    Prediction("a, b", 0.75, {"a, b": 0.75, 'c"d': 0.25}, "v1", "x\ny.png"),
    Prediction('c"d', 0.5, {'c"d': 0.5, "a, b": 0.5}, "v1", os.fsdecode(b"caf\xe9.png")),
]


def test_every_label_has_its_column(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    write_csv(path, ANSWERS)
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["file", "label", "probability", "modelVersion", "probability of a, b", 'probability of c"d'],
        ["x\ny.png", "a, b", "0.75", "v1", "0.75", "0.25"],
        [os.fsdecode(b"caf\xe9.png"), 'c"d', "0.5", "v1", "0.5", "0.5"],
    ]
    assert os.listdir(tmp_path) == ["results.csv"]


def test_no_space_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("before")
    many = ANSWERS * 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_csv(path, many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["results.csv"]


def test_what_cannot_be_written_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    check_writable(tmp_path / "new.csv")
    with pytest.raises(UsageError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(UsageError, match="There is no folder"):
        check_writable(tmp_path / "nothing" / "new.csv")
