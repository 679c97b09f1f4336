"""What the tests of the command share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transfermodel.workspace import LocalModel, Workspace
from transfermodel_operator.api.run import RunCounts, RunResult

from tests.support.colours import write_artifact
from tests.support.predictor_sounds import write_sound_artifact
from tests.support.predictor_texts import write_text_artifact


@pytest.fixture
def colours(tmp_path: Path) -> LocalModel:
    """A trained model in the workspace below tmp_path: red, green and blue."""
    return colours_in(Workspace(tmp_path / ".transfermodel"))


def colours_in(workspace: Workspace) -> LocalModel:
    """Put a trained model into a workspace, as a run would have."""
    model = workspace.make("colours", "default")
    artifact = model.artifacts / "default" / "colours" / "runs" / "0123"
    digest = write_artifact(artifact)
    (artifact / "report.html").write_text("<!doctype html><title>colours</title>")
    model.record_version(result(artifact.as_uri(), digest), "default/colours/runs/0123", {})
    return model


@pytest.fixture
def reviews(tmp_path: Path) -> LocalModel:
    """A trained model of texts in the workspace below tmp_path: bad and good."""
    return trained(tmp_path, "reviews", "TextClassification", write_text_artifact)


@pytest.fixture
def sounds(tmp_path: Path) -> LocalModel:
    """A trained model of recordings in the workspace below tmp_path: low and high."""
    return trained(tmp_path, "sounds", "AudioClassification", write_sound_artifact)


def trained(root: Path, name: str, task: str, write: Callable[[Path], str]) -> LocalModel:
    """Put a trained model into the workspace below a folder, as a run would have."""
    model = Workspace(root / ".transfermodel").make(name, "default")
    artifact = model.artifacts / "default" / name / "runs" / "0123"
    digest = write(artifact)
    model.record_version(result(artifact.as_uri(), digest), f"default/{name}/runs/0123", {"task": task})
    return model


def result(uri: str, digest: str) -> RunResult:
    """Return what a run says."""
    return RunResult(
        run="0123",
        inputs_digest="sha256:" + "1" * 64,
        data_digest="sha256:" + "2" * 64,
        uri=uri,
        digest=digest,
        metrics={"accuracy": "0.9375", "accuracyLow": "0.85", "accuracyHigh": "0.98"},
        metrics_split="test",
        estimated=False,
        counts=RunCounts(classes=3, train=30, test=12),
        seconds={"total": 12.5},
        device="cpu",
    )
