"""The closed-form head, against the definition: every sample really left out."""

import pytest
import torch
from torch import Tensor
from transfermodel_trainer.training.calibration import cross_entropy, fit_temperature
from transfermodel_trainer.training.ridge import _decompose, _left_out, fit_ridge


def blobs(samples: int, width: int, classes: int = 3, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    labels = torch.arange(samples) % classes
    centres = torch.randn(classes, width) * 2
    return centres[labels] + torch.randn(samples, width) * spread, labels


def solved(rows: Tensor, targets: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Ridge by the normal equations: weight (D, K), offset (K,)."""
    mean, offset = rows.mean(0), targets.mean(0)
    centred = rows - mean
    gram = centred.T @ centred + penalty * torch.eye(rows.shape[1], dtype=rows.dtype)
    weight = torch.linalg.solve(gram, centred.T @ (targets - offset))
    return weight, offset - mean @ weight


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize(("samples", "width"), [(12, 5), (8, 20)])
def test_left_out_is_what_a_fit_without_the_sample_says(samples: int, width: int, views: int) -> None:
    rows = torch.randn(views, samples, width, dtype=torch.float64)
    targets = torch.nn.functional.one_hot(torch.arange(samples) % 3, 3).double()
    flat, repeated = rows.reshape(-1, width), targets.repeat(views, 1)
    standard = flat - flat.mean(0)
    projected, _, values = _decompose(standard)
    shrunk = 1 / (values + 2.5)
    centred = repeated - repeated.mean(0)
    fitted = (projected * shrunk) @ (projected.T @ centred)
    found = _left_out(projected, shrunk, centred, fitted, views) + repeated.mean(0)
    for sample in range(samples):
        kept = torch.arange(samples) != sample
        weight, offset = solved(rows[:, kept].reshape(-1, width), targets[kept].repeat(views, 1), 2.5)
        torch.testing.assert_close(found[sample], rows[0, sample] @ weight + offset, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("samples", "width"), [(300, 20), (30, 200)])
def test_the_head_is_the_ridge_of_its_penalty(samples: int, width: int) -> None:
    features, labels = blobs(samples, width)
    ridge = fit_ridge(features[None], labels, 3)
    rows = features.double()
    scaled = (rows - rows.mean(0)) / rows.std(0, correction=0)
    targets = torch.nn.functional.one_hot(labels, 3).double()
    weight, offset = solved(scaled, targets, ridge.penalty)
    expected = (scaled @ weight + offset) / ridge.temperature
    torch.testing.assert_close(
        (features @ ridge.head.weight.T + ridge.head.bias).double(), expected, rtol=1e-3, atol=1e-3
    )


def test_it_learns_and_knows_how_well() -> None:
    features, labels = blobs(400, 30, spread=6.0)
    train, test = features[:200], features[200:]
    ridge = fit_ridge(train[None], labels[:200], 3)
    right = ((test @ ridge.head.weight.T + ridge.head.bias).argmax(1) == labels[200:]).double().mean()
    assert right > 0.7
    assert ridge.accuracy == pytest.approx(float(right), abs=0.1)


def test_left_out_is_not_fooled_by_noise() -> None:
    features = torch.randn(60, 500)
    labels = torch.randint(0, 2, (60,))
    assert fit_ridge(features[None], labels, 2).accuracy < 0.75


def test_constant_features_do_no_harm() -> None:
    features, labels = blobs(50, 10)
    features = torch.cat([features, torch.full((50, 3), 7.0)], 1)
    head = fit_ridge(features[None], labels, 3).head
    assert torch.isfinite(head.weight).all()
    assert (head.weight[:, 10:] == 0).all()


def test_only_constant_features_give_the_frequencies() -> None:
    labels = torch.tensor([0, 0, 0, 1])
    ridge = fit_ridge(torch.ones(1, 4, 8), labels, 2)
    assert int((torch.ones(8) @ ridge.head.weight.T + ridge.head.bias).argmax()) == 0


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_temperature_finds_the_scale(sharpness: float) -> None:
    truth = torch.randn(20_000, 4, dtype=torch.float64) * 2
    labels = torch.multinomial(truth.softmax(1), 1).flatten()
    assert fit_temperature(truth * sharpness, labels) == pytest.approx(sharpness, rel=0.05)


def test_temperature_never_hurts() -> None:
    logits, labels = torch.randn(50, 3) * 9, torch.randint(0, 3, (50,))
    assert cross_entropy(logits / fit_temperature(logits, labels), labels) <= cross_entropy(logits, labels) + 1e-9
