"""Logistic regression: the least penalised loss there is, every class weighing the same, copies in one fold."""

import subprocess
import sys

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from transfermodel_trainer.limits import Interrupted, Interruption, Limits
from transfermodel_trainer.training.contents import contents_of
from transfermodel_trainer.training.heads import fit_head
from transfermodel_trainer.training.lbfgs import minimise
from transfermodel_trainer.training.linear_head import HeadSettings
from transfermodel_trainer.training.logistic import FOLDS, folds

LOGISTIC = HeadSettings(method="logistic", penalty=0.01)


def overlapping(counts: tuple[int, ...], width: int = 12, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return features (N, D) and classes (N,) of classes that overlap."""
    classes = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    noise = torch.randn(len(classes), width, generator=torch.Generator().manual_seed(seed))
    return noise * torch.linspace(0.2, 5, width) + 2.0 * torch.eye(len(counts), width)[classes], classes


@pytest.mark.parametrize("scaling", ["spread", "deviation", "none"])
def test_it_finds_what_scikit_learn_finds(scaling: str) -> None:
    features, classes = overlapping((60, 30, 10))
    settings = HeadSettings(method="logistic", penalty=0.02, scaling=scaling)  # type: ignore[arg-type]
    fitted = fit_head(features[None], classes, 3, None, settings)
    contents = contents_of(features[None], classes, 3, None, settings.scaling)
    rows = contents.standard(torch.arange(100))[0].numpy()
    theirs = LogisticRegression(C=1 / fitted.penalty, tol=1e-10, max_iter=10_000)
    theirs.fit(rows, classes, sample_weight=contents.sample_weights.numpy())
    ours = torch.softmax(fitted.head(features).double() * fitted.temperature, 1)
    assert torch.allclose(ours, torch.from_numpy(theirs.predict_proba(rows)), atol=2e-3)


def test_what_is_left_out_is_not_learned() -> None:
    # 52 of one class and 51 of the other, at random: a copy is not in its original's fold by accident.
    classes = (torch.arange(103) % 2)[torch.randperm(103, generator=torch.Generator().manual_seed(1))]
    features = torch.cat([torch.eye(103), torch.eye(103)])[None]
    apart = [str(number) for number in range(206)]
    same = [str(number % 103) for number in range(206)]
    weak = HeadSettings(method="logistic", penalty=1e-3)
    assert fit_head(features, classes.repeat(2), 2, apart, weak).accuracy > 0.95, "a copy knows the answer"
    assert fit_head(features, classes.repeat(2), 2, same, weak).accuracy < 0.7


def test_every_fold_has_something_of_every_class() -> None:
    features, classes = overlapping((20, 10, 5))
    contents = contents_of(features[None], classes, 3, None)
    fold = folds(contents, torch.arange(35), 3)
    assert set(fold.tolist()) == set(range(FOLDS))
    for label in range(3):
        assert set(fold[classes == label].tolist()) == set(range(FOLDS))


def test_a_single_sample_of_a_class_ends_nothing() -> None:
    features, classes = overlapping((3, 1, 1))
    fitted = fit_head(features[None], classes, 3, None, LOGISTIC)
    assert torch.isfinite(fitted.head.weight).all()
    assert torch.isfinite(fitted.left_out_logits).all()


def test_it_ends_when_the_process_is_to_end() -> None:
    told = Interruption()
    told.tell()
    features, classes = overlapping((20, 20))
    with pytest.raises(Interrupted):
        fit_head(features[None], classes, 2, None, LOGISTIC, Limits({}, lambda: 0.0, told))


def test_a_quadratic_has_one_minimum() -> None:
    matrix = torch.diag(torch.linspace(0.1, 30, 20, dtype=torch.float64))
    goal = torch.linspace(-3, 3, 20, dtype=torch.float64)

    def loss(place: Tensor) -> tuple[float, Tensor]:
        off = place - goal
        return float(0.5 * off @ matrix @ off), matrix @ off

    found = minimise(loss, torch.zeros(20, dtype=torch.float64), 200, 1e-15)
    assert torch.allclose(found, goal, atol=1e-4)


def test_no_compiler_is_imported_for_it() -> None:
    program = (
        "import sys, torch; from transfermodel_trainer.training.heads import fit_head; "
        "from transfermodel_trainer.training.linear_head import HeadSettings; "
        "fit_head(torch.randn(1, 20, 4), torch.arange(20) % 2, 2, None, HeadSettings('logistic', 'spread', 0.01)); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
