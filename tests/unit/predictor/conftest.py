"""What the predictor's tests share."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.colours import write_artifact
from tests.support.predictor_process import PredictorProcess, predictor


@pytest.fixture
def artifact(tmp_path: Path) -> tuple[Path, str]:
    """A folder with an artifact, and its digest."""
    folder = tmp_path / "artifact"
    return folder, write_artifact(folder)


LIMITS = {
    "TRANSFERMODEL_MAX_BODY_BYTES": "4000000",
    "TRANSFERMODEL_MAX_SAMPLE_BYTES": "100000",
    "TRANSFERMODEL_MAX_IMAGE_PIXELS": "1000000",
    "TRANSFERMODEL_MAX_BATCH": "100",
}


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PredictorProcess, str]]:
    """One predictor for all tests that leave it as it was, and the digest that it serves."""
    folder = tmp_path_factory.mktemp("served")
    digest = write_artifact(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder, LIMITS) as process:
        process.wait_ready()
        yield process, digest
    assert process.process.returncode == 0, process.log.read_text()


@pytest.fixture
def client(served: tuple[PredictorProcess, str]) -> httpx.Client:
    """Its client."""
    return served[0].client
