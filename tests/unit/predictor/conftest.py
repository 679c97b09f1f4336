"""What the predictor's tests share."""

from pathlib import Path

import pytest

from tests.support.colours import write_artifact


@pytest.fixture
def artifact(tmp_path: Path) -> tuple[Path, str]:
    """A folder with an artifact, and its digest."""
    folder = tmp_path / "artifact"
    return folder, write_artifact(folder)
