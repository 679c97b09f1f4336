"""What the predictor's tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import PredictorProcess, predictor
from tests.support.predictor_requests import V1, instance
from tests.support.predictor_sounds import write_sound_artifact
from tests.support.predictor_texts import write_text_artifact


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


SMALL_LIMITS = {
    "TRANSFERMODEL_MAX_SAMPLE_BYTES": "50000",
    "TRANSFERMODEL_MAX_TEXT_CHARACTERS": "40000",
    "TRANSFERMODEL_MAX_AUDIO_SAMPLES": "23000",
    "TRANSFERMODEL_MAX_BATCH": "40",
}


@pytest.fixture(scope="package")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictorProcess]:
    """A served model of texts."""
    yield from served_with(write_text_artifact, tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="package")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictorProcess]:
    """A served model of recordings."""
    yield from served_with(write_sound_artifact, tmp_path_factory.mktemp("sounds"))


def served_with(write: Callable[[Path], str], folder: Path) -> Iterator[PredictorProcess]:
    digest = write(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder, SMALL_LIMITS) as process:
        process.wait_ready()
        yield process
        assert "Traceback" not in process.log.read_text()


@pytest.fixture(scope="package")
def abused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictorProcess]:
    """A predictor with the limits that it has in a cluster."""
    folder = tmp_path_factory.mktemp("abused")
    digest = write_artifact(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder) as process:
        process.wait_ready()
        process.client.post(V1, json={"instances": [instance(picture())]})
        yield process
        assert process.client.post(V1, json={"instances": [instance(picture())]}).status_code == 200
        assert "Traceback" not in process.log.read_text()
