"""The closed-form head, against the definition: every sample really left out."""

import resource

import pytest
import torch
from torch import Tensor
from transfermodel_trainer.training import ridge as module
from transfermodel_trainer.training.calibration import cross_entropy, fit_temperature
from transfermodel_trainer.training.contents import Contents, contents_of
from transfermodel_trainer.training.ridge import fit_ridge


def blobs(samples: int, width: int, classes: int = 3, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    labels = torch.arange(samples) % classes
    centres = torch.randn(classes, width) * 2
    return centres[labels] + torch.randn(samples, width) * spread, labels


def solved(rows: Tensor, targets: Tensor, weights: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Weighted ridge by the normal equations: weight (D, K), offset (K,)."""
    share = weights[:, None] / weights.sum()
    mean, offset = (share * rows).sum(0), (share * targets).sum(0)
    centred = (rows - mean) * weights[:, None].sqrt()
    gram = centred.T @ centred + penalty * torch.eye(rows.shape[1], dtype=rows.dtype)
    weight = torch.linalg.solve(gram, centred.T @ ((targets - offset) * weights[:, None].sqrt()))
    return weight, offset - mean @ weight


def definition(features: Tensor, labels: Tensor, contents: Contents, penalty: float, kept: Tensor) -> Tensor:
    """What a fit to the samples `kept` says of every sample's first view, (N, K)."""
    views = len(features)
    rows = (features.double() - contents.mean) * contents.scale
    targets = torch.nn.functional.one_hot(labels, len(contents.offset)).double()
    weight, offset = solved(
        rows[:, kept].flatten(0, 1),
        targets[kept].repeat(views, 1),
        contents.sample_weights[kept].repeat(views),
        penalty,
    )
    return rows[0] @ weight + offset


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize(("samples", "width"), [(14, 5), (9, 20)])
def test_left_out_is_what_a_fit_without_the_sample_says(samples: int, width: int, views: int, copied: bool) -> None:
    features = torch.randn(views, samples, width)
    labels = torch.tensor([0, 0, 1, 2, 0, 1, 2, 2, 0, 0, 0, 1, 2, 0])[:samples]
    digests = [str(number) for number in range(samples)]
    if copied:  # 0, 4 and 8 are one content; 2 and 3 are one that two classes claim
        digests[4] = digests[8] = digests[0]
        digests[3] = digests[2]
        features[:, [4, 8]], features[:, 3] = features[:, [0]], features[:, 2]
    ridge = fit_ridge(features, labels, 3, digests)
    contents = contents_of(features, labels, 3, digests)
    for sample in range(samples):
        kept = torch.tensor([digest != digests[sample] for digest in digests])
        expected = definition(features, labels, contents, ridge.penalty, kept)[sample] / ridge.temperature
        torch.testing.assert_close(ridge.left_out_logits[sample].double(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("samples", "width"), [(300, 20), (30, 200)])
def test_the_head_is_the_ridge_of_its_penalty(samples: int, width: int) -> None:
    features, labels = blobs(samples, width)
    ridge = fit_ridge(features[None], labels, 3)
    contents = contents_of(features[None], labels, 3, None)
    everything = torch.ones(samples, dtype=torch.bool)
    expected = definition(features[None], labels, contents, ridge.penalty, everything) / ridge.temperature
    torch.testing.assert_close(ridge.head(features).double(), expected, rtol=1e-3, atol=1e-3)


def test_in_parts_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = blobs(200, 20, spread=4.0)
    digests = [str(number // 2) for number in range(200)]
    features, labels = features[::2].repeat_interleave(2, 0), labels.repeat_interleave(2)[:200]
    whole = fit_ridge(features[None], labels, 3, digests)
    monkeypatch.setattr("transfermodel_trainer.training.contents.CHUNK", 7 * 20)
    parts = fit_ridge(features[None], labels, 3, digests)
    torch.testing.assert_close(parts.head.weight, whole.head.weight)
    torch.testing.assert_close(parts.left_out_logits, whole.left_out_logits)
    # Judged by a part of the samples, it is about the same.
    monkeypatch.setattr(module, "MOST_JUDGED", 20 * 40)
    part = fit_ridge(features[None], labels, 3, digests)
    assert part.cross_entropy == pytest.approx(whole.cross_entropy, rel=0.1)


def test_it_learns_and_knows_how_well() -> None:
    features, labels = blobs(400, 30, spread=6.0)
    train, test = features[:200], features[200:]
    ridge = fit_ridge(train[None], labels[:200], 3)
    right = (ridge.head(test).argmax(1) == labels[200:]).double().mean()
    assert right > 0.7
    assert ridge.accuracy == pytest.approx(float(right), abs=0.1)
    assert cross_entropy(ridge.head(test), labels[200:]) == pytest.approx(ridge.cross_entropy, abs=0.15)


def test_left_out_is_not_fooled_by_noise() -> None:
    features = torch.randn(60, 500)
    labels = torch.randint(0, 2, (60,))
    assert fit_ridge(features[None], labels, 2).accuracy < 0.75


def test_nor_by_copies() -> None:
    features, labels = torch.randn(30, 500), torch.randint(0, 2, (30,))
    twice = features.repeat(2, 1)[None], labels.repeat(2), 2
    assert fit_ridge(*twice).accuracy > 0.95, "a copy knows the answer"
    assert fit_ridge(*twice, [str(number % 30) for number in range(60)]).accuracy < 0.75


@pytest.mark.parametrize("classes", [2, 10])
def test_one_sample_of_each_class(classes: int) -> None:
    features, labels = blobs(40 * classes, 64, classes, spread=0.7)
    ridge = fit_ridge(features[None, :classes], labels[:classes], classes)
    logits = ridge.head(features[classes:])
    assert (logits.argmax(1) == labels[classes:]).double().mean() > 0.9
    sure = logits.softmax(1).max(1).values.mean()
    assert 1.5 / classes < sure < 0.99, "neither indifferent nor certain"


def test_classes_with_one_sample_do_not_make_the_others_unsure() -> None:
    features, labels = blobs(200, 30, spread=2.0)
    alone = torch.cat([features, torch.randn(1, 30) * 6]), torch.cat([labels, torch.tensor([3])])
    ridge, without = fit_ridge(alone[0][None], alone[1], 4), fit_ridge(features[None], labels, 3)
    seen = ridge.left_out_logits[:200], labels
    assert cross_entropy(*seen) < without.cross_entropy + 0.1


def test_a_rare_class_is_found() -> None:
    features, labels = blobs(3000, 20, 2, spread=2.5)
    test, truth = features[1500:], labels[1500:]
    kept = (labels[:1500] == 0) | (torch.arange(1500) < 20)
    ridge = fit_ridge(features[None, :1500][:, kept], labels[:1500][kept], 2)
    recalls = [float((ridge.head(test).argmax(1) == truth)[truth == label].double().mean()) for label in (0, 1)]
    assert int((labels[:1500][kept] == 1).sum()) == 10
    assert min(recalls) > 0.85


def test_a_thousand_classes_take_bounded_memory() -> None:
    """One-hot targets, fits and residuals of all samples would be 80 MB each."""
    features, labels = blobs(10_000, 64, 1000)
    fit_ridge(features[None, :2000], labels[:2000], 1000)  # what libraries allocate once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ridge = fit_ridge(features[None], labels, 1000)
    assert ridge.accuracy > 0.9
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 40 + 120, "logits, and some chunks"


def test_constant_features_do_no_harm() -> None:
    features, labels = blobs(50, 10)
    features = torch.cat([features, torch.full((50, 3), 7.0)], 1)
    head = fit_ridge(features[None], labels, 3).head
    assert torch.isfinite(head.weight).all()
    assert (head.weight[:, 10:] == 0).all()


def test_only_constant_features_give_indifference() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1])
    ridge = fit_ridge(torch.ones(1, 5, 8), labels, 2)
    assert ridge.head(torch.ones(1, 8)).softmax(1)[0].tolist() == pytest.approx([0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_temperature_finds_the_scale(sharpness: float) -> None:
    truth = torch.randn(20_000, 4, dtype=torch.float64) * 2
    labels = torch.multinomial(truth.softmax(1), 1).flatten()
    assert fit_temperature(truth * sharpness, labels) == pytest.approx(sharpness, rel=0.05)


def test_temperature_never_hurts() -> None:
    logits, labels = torch.randn(50, 3) * 9, torch.randint(0, 3, (50,))
    assert cross_entropy(logits / fit_temperature(logits, labels), labels) <= cross_entropy(logits, labels) + 1e-9
