"""What the tests of the command share."""

from pathlib import Path

import pytest
from transfermodel.workspace import LocalModel, Workspace
from transfermodel_operator.api.run import RunCounts, RunResult

from tests.support.colours import write_artifact


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
