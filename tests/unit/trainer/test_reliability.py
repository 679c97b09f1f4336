"""Reliability by hand."""

import pytest
import torch
from transfermodel_trainer.evaluation.metrics import calibration_error
from transfermodel_trainer.evaluation.reliability import BINS, expected_calibration_error, reliability


def test_bins_by_hand() -> None:
    probabilities = torch.tensor([[0.7, 0.3], [0.72, 0.28], [1.0, 0.0], [0.5, 0.5]], dtype=torch.double)
    bins = reliability(probabilities, torch.tensor([0, 1, 0, 0]))
    assert len(bins) == BINS == 15
    assert [(entry.low * 15, entry.high * 15) for entry in bins[:2]] == [(0, 1), (1, 2)]
    filled = {index: entry for index, entry in enumerate(bins) if entry.count}
    assert sorted(filled) == [7, 10, 14]
    assert (filled[10].count, filled[10].accuracy) == (2, 0.5)
    assert filled[10].confidence == pytest.approx(0.71)
    assert filled[14].confidence == 1.0, "the last bin includes 1"
    # 2/4 * |0.71 - 0.5| + 1/4 * |1 - 1| + 1/4 * |0.5 - 1|
    assert expected_calibration_error(bins) == pytest.approx(0.5 * 0.21 + 0.25 * 0.5)


def test_an_empty_bin_says_nothing() -> None:
    bins = reliability(torch.ones(1, 1), torch.zeros(1))
    assert {(entry.count, entry.confidence, entry.accuracy) for entry in bins[:-1]} == {(0, 0.0, 0.0)}
    assert expected_calibration_error(()) == 0.0


def test_one_definition_of_the_bins() -> None:
    generator = torch.Generator().manual_seed(0)
    probabilities = torch.rand(500, 7, generator=generator).double().softmax(1)
    classes = torch.randint(0, 7, (500,), generator=generator)
    bins = reliability(probabilities, classes)
    assert sum(entry.count for entry in bins) == 500
    assert calibration_error(probabilities, classes) == expected_calibration_error(bins)
