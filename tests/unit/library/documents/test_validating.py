"""Files and folders, judged for this machine and for a cluster."""

from pathlib import Path

import pytest
from transfermodel.documents import Wanted, validate
from transfermodel.errors import UsageError

from tests.unit.library.documents.test_ordering import model

HERE = model("here").replace("s3://datasets/a", "data/a")
BOTH = model("both")
BROKEN = model("broken").replace("task:", "tsk:")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of each kind, and one that is no TransferModel."""
    for name, text in {"here": HERE, "both": BOTH, "broken": BROKEN, "secret": "kind: Secret\n"}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_a_folder(folder: Path) -> None:
    verdicts = {Path(verdict.file).name: verdict for verdict in validate([folder])}
    assert list(verdicts) == ["both.yaml", "broken.yaml", "here.yaml"]
    assert {name: verdict.valid for name, verdict in verdicts.items()} == {
        "both.yaml": True,
        "broken.yaml": False,
        "here.yaml": True,
    }
    here = verdicts["here.yaml"]
    assert (here.runs_here, here.runs_in_a_cluster, here.errors) == (True, False, ())
    assert [finding.path for finding in here.obstacles] == ["spec.data.train.uri"]


@pytest.mark.parametrize(("wanted", "valid"), [(Wanted.LOCAL, True), (Wanted.CLUSTER, False), (Wanted.BOTH, False)])
def test_where_it_has_to_run(folder: Path, wanted: Wanted, valid: bool) -> None:
    (verdict,) = validate([folder / "here.yaml"], wanted)
    assert verdict.valid is valid
    assert [error.path for error in verdict.errors] == ([] if valid else ["spec.data.train.uri"])


def test_a_file_named_twice_is_judged_once(folder: Path) -> None:
    assert len(validate([folder / "here.yaml", folder])) == 3


def test_a_folder_without_any(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no TransferModel"):
        validate([tmp_path])


def test_json(folder: Path) -> None:
    wire = validate([folder / "here.yaml"])[0].to_wire()
    assert wire["runs"] == {"local": True, "cluster": False}
    assert wire["models"] == [{"namespace": "default", "name": "here"}]
    assert wire["obstacles"][0]["line"] == 11
