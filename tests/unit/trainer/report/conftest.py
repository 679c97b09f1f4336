"""Two small real runs whose reports the tests read."""

from pathlib import Path

import pytest
from transfermodel_operator.api import RunResult

from tests.support import reports


@pytest.fixture(scope="session")
def fine_tuned(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Handwritten digits, two epochs from random weights, no test set."""
    return reports.fine_tuned_digits(tmp_path_factory.mktemp("digits"), architecture="squeezenet1_1", epochs=2)


@pytest.fixture(scope="session")
def extracted(tmp_path_factory: pytest.TempPathFactory, fine_tuned: RunResult) -> RunResult:
    """Two digits by the features of the first run, with a test set."""
    return reports.extracted_digits(tmp_path_factory.mktemp("pair"), fine_tuned)


@pytest.fixture(params=["fine_tuned", "extracted"])
def page(request: pytest.FixtureRequest) -> bytes:
    """The report of each."""
    result: RunResult = request.getfixturevalue(request.param)
    report: Path = reports.report_of(result)
    return report.read_bytes()
