"""The pieces of the laptop's demo: its data on disk, and its specs, which are the cluster's."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from transfermodel.documents import Target, check, in_order, load

from examples.common.laptop import write
from examples.digits import dataset, laptop, showing

pytestmark = pytest.mark.unit

SPECS = [laptop.HERE / name for name in laptop.YAML_FILES]


def test_data_that_is_there_is_not_touched(tmp_path: Path) -> None:
    files = {"5/0001.png": b"one", "6/0002.png": b"two"}
    assert write(files, tmp_path) == 2
    os.utime(tmp_path / "5/0001.png", ns=(1, 1))
    assert write(files, tmp_path) == 0
    assert (tmp_path / "5/0001.png").stat().st_mtime_ns == 1
    (tmp_path / "6/0002.png").write_bytes(b"cut")
    assert write(files, tmp_path) == 1
    assert {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.glob("*/*")} == files


def test_the_specs_run_on_one_machine_each_after_what_it_starts_from(tmp_path: Path) -> None:
    file = laptop.write_specs(tmp_path / "digits.yaml")
    assert check(file, Target.LOCAL).findings == ()
    assert [document.name for document in in_order(load(file, Target.LOCAL))][-1] == "digits"
    assert {document.name for document in load(file, Target.LOCAL)} == {"digits-base", "digits-scratch", "digits"}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_the_specs_differ_from_the_clusters_in_where_things_are_stored_only(path: Path) -> None:
    cluster = yaml.safe_load(path.read_text())
    here = yaml.safe_load(laptop.for_this_machine(path.read_text()))
    assert check(path, Target.CLUSTER).findings == ()
    data: dict[str, Any] = cluster["spec"]["data"]
    del data["credentialsSecretName"], cluster["spec"]["output"]
    for source in data.values():
        source["uri"] = source["uri"].replace("s3://datasets/digits/", "data/")
    assert here == cluster


def test_the_shown_images_are_some_of_each_class_always_the_same() -> None:
    test = {f"{digit}/{number:04}.png": b"" for digit in (9, 5, 7, 6, 8) for number in range(3)}
    chosen = showing.choose(test)
    assert chosen == [f"{digit}/{number:04}.png" for digit in range(5, 10) for number in range(2)]
    assert set(dataset.PARTS) == set(dataset.Digits.__dataclass_fields__)


def test_a_few_images_and_the_report_are_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "FOLDER", tmp_path / "demo")
    test = {f"{digit}/0001.png": bytes([digit]) for digit in range(5, 10)}
    assert showing.leave_behind(test, b"<html>") == tmp_path / "demo" / "5-0001.png"
    left = {path.name: path.read_bytes() for path in (tmp_path / "demo").iterdir()}
    assert left == {"report.html": b"<html>"} | {f"{digit}-0001.png": bytes([digit]) for digit in range(5, 10)}
