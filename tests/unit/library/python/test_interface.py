"""What `transfermodel.run` and its siblings make of their arguments, before anything is trained."""

from pathlib import Path

import pytest
import transfermodel
from transfermodel.errors import DocumentInvalid, UsageError
from transfermodel.interface import read

from tests.support.library import document, write_data, yaml_of

pytestmark = pytest.mark.unit


def test_a_source_is_a_path_a_document_or_several(tmp_path: Path) -> None:
    write_data(tmp_path)
    file = tmp_path / "model.yaml"
    file.write_text(yaml_of("base") + "---" + yaml_of("digits"))
    assert [each.name for each in read(file)] == ["base", "digits"]
    assert [each.name for each in read(str(file))] == ["base", "digits"]
    one = document(tmp_path)
    assert read(one) == read([one]) == read((one,)) == [one]


def test_bad_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        transfermodel.run(tmp_path / "nowhere.yaml")
    file = tmp_path / "model.yaml"
    file.write_text(yaml_of(training="{strategy: Magic}"))
    with pytest.raises(DocumentInvalid, match=r"spec\.training\.strategy"):
        transfermodel.run(file)


def test_validate_returns_every_finding_with_its_line(tmp_path: Path) -> None:
    write_data(tmp_path)
    file = tmp_path / "model.yaml"
    file.write_text(yaml_of())
    assert transfermodel.validate(file) == []
    file.write_text(yaml_of(training="{strategy: Magic}", data="{train: {uri: train}, tests: {uri: test}}"))
    findings = transfermodel.validate(str(file))
    assert {finding.path for finding in findings} == {"spec.training.strategy", "spec.data.tests"}
    assert all(finding.line for finding in findings)
    with pytest.raises(UsageError):
        transfermodel.validate(tmp_path / "nowhere.yaml")
