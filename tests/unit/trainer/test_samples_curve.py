"""Accuracy by samples per class, from features that are there."""

import numpy as np
import pytest
import torch
from torch import Tensor
from transfermodel_trainer.evaluation import samples_curve as module
from transfermodel_trainer.evaluation.samples_curve import draw, samples_curve, sizes


def blobs(each: int, classes: int = 3, width: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return features (N, D) around one centre per class, and the classes."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.arange(classes).repeat_interleave(each)
    centres = torch.eye(width)[:classes] * 2
    return centres[truth] + torch.randn(len(truth), width, generator=generator), truth


def test_more_samples_are_better() -> None:
    features, classes = blobs(60)
    curve = samples_curve(features[None], classes, 3, blobs(200, seed=1), 0.93, seed=0)
    assert [point.samples_per_class for point in curve] == [1, 2, 5, 10, 20, 50, 60]
    assert all(point.low <= point.accuracy <= point.high for point in curve)
    assert curve[0].accuracy < curve[3].accuracy < curve[5].accuracy
    assert curve[5].accuracy > 0.8
    assert curve[0].low < curve[0].high, "chance is shown"
    last = curve[-1]
    assert (last.accuracy, last.low, last.high) == (0.93, 0.93, 0.93)


def test_without_a_holdout_what_was_not_drawn_judges() -> None:
    features, classes = blobs(60)
    curve = samples_curve(features[None], classes, 3, None, 0.9, seed=0)
    assert [point.samples_per_class for point in curve] == [1, 2, 5, 10, 20, 60], "half of the samples judge at least"
    assert curve[0].accuracy < curve[4].accuracy < 1
    # Samples that were learned from would look perfect: as many features as samples fit anything.
    wide = torch.randn(2, 12, 40, generator=torch.Generator().manual_seed(0))
    noise = samples_curve(wide, torch.arange(12) % 2, 2, None, 0.5, seed=0)
    assert max(point.accuracy for point in noise) < 0.8


def test_equal_seeds_draw_equal_curves() -> None:
    features, classes = blobs(30)
    judged = blobs(50, seed=1)
    first = samples_curve(features[None], classes, 3, judged, 0.9, seed=4)
    assert samples_curve(features[None], classes, 3, judged, 0.9, seed=4) == first
    assert samples_curve(features[None], classes, 3, judged, 0.9, seed=5) != first


def test_a_rare_class_gives_all_that_it_has() -> None:
    classes = torch.tensor([0] * 10 + [1] * 2)
    drawn = draw(classes, 5, np.random.default_rng(0))
    assert (int(drawn[:10].sum()), int(drawn[10:].sum())) == (5, 2)


def test_nothing_to_compare() -> None:
    features, classes = blobs(1)
    assert samples_curve(features[None], classes, 3, blobs(5, seed=1), 0.9, seed=0) == ()
    assert samples_curve(features[None], classes, 3, None, 0.9, seed=0) == ()


def test_what_is_not_cheap_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    features, classes = blobs(60)
    monkeypatch.setattr(module, "MOST_WORK", 1e6)
    curve = samples_curve(features[None], classes, 3, blobs(200, seed=1), 0.93, seed=0)
    assert [point.samples_per_class for point in curve] == [1, 2, 60], "the last costs nothing"
    work = [module.work_of((1, 4000, 3000), 4 * size, 4, 1000) for size in sizes(1000)]
    assert work == sorted(work)


def test_sizes() -> None:
    assert list(sizes(1)) == []
    assert list(sizes(101)) == [1, 2, 5, 10, 20, 50, 100]
