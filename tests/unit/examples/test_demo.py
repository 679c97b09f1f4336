"""What the demo shows and what it fails for, without a cluster."""

from typing import Any

import pytest

from examples.common.comparison import Row, judge, row_of_run
from examples.common.errors import DemoError
from examples.digits.watching import FAILURE_SECONDS, OBSTACLE_SECONDS, view

pytestmark = pytest.mark.unit


def model(stage: str, ready: str, *, observed: int = 2, **training: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "reason": "Running", "message": "Training in pod x."}
    status = {"observedGeneration": observed, "stage": stage, "conditions": [condition], "training": training}
    return {"metadata": {"generation": 2}, "status": status}


def test_progress_is_shown() -> None:
    seen = view("digits", model("Training", "Unknown", percent=52, epoch=1, epochs=4, etaSeconds=61, loss="0.9"))
    assert (seen.percent, seen.epoch, seen.eta, seen.loss) == (52, "1/4", "61 s", "0.9")
    assert not seen.ready
    assert seen.patience_seconds is None


def test_a_status_of_an_older_spec_counts_as_not_seen() -> None:
    seen = view("digits", model("Ready", "True", observed=1, percent=100))
    assert not seen.seen
    assert not seen.ready
    assert seen.stage == "Pending"


@pytest.mark.parametrize(("stage", "patience"), [("Failed", FAILURE_SECONDS), ("Pending", OBSTACLE_SECONDS)])
def test_a_failure_has_a_deadline_and_an_obstacle_a_longer_one(stage: str, patience: float) -> None:
    assert view("digits", model(stage, "False")).patience_seconds == patience


@pytest.mark.parametrize(
    ("transfer", "other", "good"),
    [(0.83, 0.45, True), (0.64, 0.30, False), (0.80, 0.66, False), (0.65, 0.50, True)],
)
def test_transfer_must_be_good_and_lead(transfer: float, other: float, good: bool) -> None:
    others = [Row("scratch", "", other), Row("raw pixels", "", 0.2)]
    if good:
        judge(Row("transfer", "", transfer), others, least_accuracy=0.65, least_lead=0.15)
    else:
        with pytest.raises(DemoError, match=f"scratch has {other:.3f}"):
            judge(Row("transfer", "", transfer), others, least_accuracy=0.65, least_lead=0.15)


def test_an_accuracy_of_the_validation_set_is_not_compared() -> None:
    record = {"metricsSplit": "validation", "metrics": {"accuracy": "0.9"}, "seconds": {"total": 3.0}}
    with pytest.raises(DemoError, match="validation set"):
        row_of_run("transfer", "", record)
