"""Metrics by hand."""

import pytest
import torch
from transfermodel_trainer.evaluation.metrics import calibration_error, measure, wilson_interval


def test_measure_by_hand() -> None:
    logits = torch.tensor([[2.0, 0, 0], [0, 2, 0], [2, 0, 0], [0, 0, 2]])
    metrics = measure(logits, torch.tensor([0, 1, 1, 2]), ("a", "b", "c"))
    assert metrics.accuracy == 0.75
    assert metrics.confusion == ((1, 0, 0), (1, 1, 0), (0, 0, 1))
    first, second, third = metrics.classes
    assert (first.precision, first.recall, first.count) == (0.5, 1.0, 1)
    assert [second.precision, second.recall, second.f1] == pytest.approx([1, 0.5, 2 / 3])
    assert third.f1 == 1.0
    assert metrics.headline()["accuracy"] == "0.7500"


def test_a_class_never_predicted_has_no_precision() -> None:
    metrics = measure(torch.tensor([[1.0, 0], [1, 0]]), torch.tensor([0, 1]), ("a", "b"))
    assert (metrics.classes[1].precision, metrics.classes[1].f1) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    # From the formula in Wilson 1927, as statsmodels.stats.proportion.proportion_confint(method="wilson") prints it.
    [(8, 10, 0.490162, 0.943318), (10, 10, 0.722467, 1.0), (0, 5, 0.0, 0.434482), (0, 0, 0.0, 1.0)],
)
def test_wilson(correct: int, count: int, low: float, high: float) -> None:
    assert list(wilson_interval(correct, count)) == pytest.approx([low, high], abs=1e-5)


def test_calibration_error() -> None:
    sure = torch.tensor([[0.99, 0.01]] * 10)
    assert calibration_error(sure, torch.zeros(10, dtype=torch.long)) == pytest.approx(0.01, abs=1e-6)
    half = torch.tensor([0] * 5 + [1] * 5)
    assert calibration_error(sure, half) == pytest.approx(0.49, abs=1e-6)
