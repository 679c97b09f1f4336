"""From a file to predictions in Python, with the real trainer and predictor."""

from pathlib import Path

import pytest
import transfermodel
from transfermodel.predictions import client

from tests.support.datasets import picture
from tests.support.library import write_data, yaml_of


def test_a_file_with_its_base_is_trained_asked_and_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tmp_path)
    head = yaml_of("colours", backbone="{fromTransferModel: base}", training="{strategy: FeatureExtraction}")
    (tmp_path / "models.yaml").write_text(head + "---" + yaml_of("base"))  # what starts from it stands first
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRANSFERMODEL_WORKSPACE", raising=False)

    (plan,) = [plan for plan in transfermodel.plan("models.yaml") if plan.name == "base"]
    assert plan.runs_here

    result = transfermodel.run("models.yaml")
    assert (result.name, result.version, result.unchanged) == ("colours", "v1", False)
    assert 0 <= result.accuracy <= 1
    assert result.split == "test"
    assert set(result.labels) == {"red", "green", "blue"}
    assert "<html" in result.report.read_text()
    said = capsys.readouterr()
    assert said.out == ""
    assert "base: v1 trained in" in said.err
    assert said.err.splitlines()[-1].startswith("colours: v1 trained in")

    files = sorted((tmp_path / "test").rglob("*.png"))
    answers = result.predict(files)
    right = sum(answer.label == file.parent.name for answer, file in zip(answers, files, strict=True))
    assert right / len(files) == pytest.approx(result.accuracy, abs=1e-4)

    image = picture("red", 200)
    with result.serve() as server:
        (served,) = client.predict(server.endpoint(), [image])
    own = result.predict(image)
    assert served.probabilities == pytest.approx(own.probabilities, abs=1e-6)
    assert (served.label, served.model_version) == (own.label, own.model_version)

    again = transfermodel.run("models.yaml", name="base", quiet=True)
    assert (again.name, again.unchanged) == ("base", True)
    assert capsys.readouterr().err == ""
    assert transfermodel.load("colours").digest == result.digest
