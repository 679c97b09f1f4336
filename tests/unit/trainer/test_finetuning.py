"""Batches, augmentation, frozen parts."""

import pytest
import torch
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import FineTuning
from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_trainer.backbones.load import image_network
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.stages import stages, unfreeze_last
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.training.augmentation import shift
from transfermodel_trainer.training.batches import batch_indices, steps_per_epoch
from transfermodel_trainer.training.calibration import cross_entropy
from transfermodel_trainer.training.device import choose_device
from transfermodel_trainer.training.feeds import ImageFeed
from transfermodel_trainer.training.finetuning import fine_tune
from transfermodel_trainer.training.inference import compute_logits
from transfermodel_trainer.training.schedule import one_cycle

PREPROCESSING = ImagePreprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 33])
@pytest.mark.parametrize("size", [2, 16])
def test_batches_cover_all_and_none_is_single(count: int, size: int) -> None:
    parts = batch_indices(count, size, 0, 0)
    assert set(torch.cat(parts).tolist()) == set(range(count))
    assert min(len(part) for part in parts) >= 2
    assert len(parts) == steps_per_epoch(count, size)


def test_shift_moves_whole_images_a_little() -> None:
    image = torch.zeros(64, 3, 32, 32, dtype=torch.uint8)
    image[:, :, 16, 16] = 255
    moved = shift(image, torch.Generator().manual_seed(0))
    assert moved.shape == image.shape
    places = {tuple((picture[0] == 255).nonzero()[0].tolist()) for picture in moved}
    assert len(places) > 5
    assert all(abs(row - 16) <= 2 and abs(column - 16) <= 2 for row, column in places)
    assert torch.equal(moved[:, 0], moved[:, 1])


def images(count: int) -> Samples:
    classes = torch.arange(count) % 2
    pixels = (torch.randint(0, 60, (count, 3, 32, 32)) + 150 * classes[:, None, None, None]).to(torch.uint8)
    names = [str(n) for n in range(count)]
    return Samples(pixels, classes, names, names, list(range(count)))


def tune(network: Network, count: int, **settings: object) -> list[float]:
    device = choose_device(0)
    chosen = FineTuning.model_validate(
        {"unfreeze": "All", "epochs": 3, "batchSize": 8, "learningRate": "2e-3"} | settings
    )
    feed = ImageFeed(PREPROCESSING, device.torch)
    return [e.loss for e in fine_tune(network, images(count), feed, device, chosen, 0, Progress(quiet=True)).history]


def test_it_learns() -> None:
    losses = tune(image_network("torchvision/resnet18", 32, 2), 16)
    assert losses[-1] < losses[0]


def test_it_is_repeatable() -> None:
    torch.manual_seed(5)
    first = tune(image_network("torchvision/squeezenet1_1", 32, 2), 8)
    torch.manual_seed(5)
    assert tune(image_network("torchvision/squeezenet1_1", 32, 2), 8) == first


def test_each_epoch_is_judged_by_the_validation_set_and_not_changed_by_it() -> None:
    device = choose_device(0)
    settings = FineTuning.model_validate({"unfreeze": "All", "epochs": 2, "batchSize": 8})
    feed = ImageFeed(PREPROCESSING, device.torch)
    histories = []
    for validation in (None, images(20)):
        torch.manual_seed(5)
        network, progress = image_network("torchvision/mobilenet_v3_small", 32, 2), Progress(quiet=True)
        training = images(8)
        torch.manual_seed(6)
        tuned = fine_tune(network, training, feed, device, settings, 0, progress, validation=validation)
        histories.append(tuned.history)
    without, judged = histories
    assert [epoch.loss for epoch in judged] == [epoch.loss for epoch in without]
    assert [epoch.validation_accuracy for epoch in without] == [None, None]
    assert progress.now().accuracy == f"{judged[-1].validation_accuracy:.4f}"
    assert validation is not None
    logits = compute_logits(network, validation, feed)
    best = judged[tuned.best_epoch - 1]
    assert best.validation_accuracy == float((logits.argmax(1) == validation.classes).double().mean())
    assert best.validation_loss == cross_entropy(logits, validation.classes) == tuned.validation_loss
    assert best.validation_loss == min(epoch.validation_loss or 9 for epoch in judged)


@pytest.mark.parametrize("count", [1, 9, 17])
def test_a_batch_of_one_does_not_break_normalisation(count: int) -> None:
    tune(image_network("torchvision/resnet18", 32, 2), count, epochs=1)


def test_frozen_parts_stay_as_they_are() -> None:
    network = image_network("torchvision/resnet18", 32, 2)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    tune(network, 8, unfreeze="LastStages", stages=1, epochs=1)
    changed = {
        key.split(".")[1]
        for key, value in network.trunk.state_dict(prefix="trunk.").items()
        if not torch.equal(before[key], value)
    }
    assert changed == {"layer4"}
    assert not torch.equal(before["head.weight"], network.head.weight)


@pytest.mark.parametrize("total", [1, 2, 3, 4, 5, 100])
def test_one_cycle_rises_and_falls(total: int) -> None:
    rates = [one_cycle(step, total)[0] for step in range(total)]
    momenta = [one_cycle(step, total)[1] for step in range(total)]
    assert all(0 < rate <= 1 for rate in rates)
    assert all(0.85 <= momentum <= 0.95 for momentum in momenta)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    if total >= 4:
        assert max(rates) == 1
        assert rates[-1] < 0.01


def test_a_rate_too_high_is_a_sentence() -> None:
    with pytest.raises(RunError) as caught:
        tune(image_network("torchvision/vgg11", 32, 2), 8, learningRate="1e30", epochs=4)
    assert caught.value.reason is Reason.TRAINING_DIVERGED
    assert "learningRate" in caught.value.message


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("resnet18", 32, 5),
        ("vit_b_32", 32, 13),
        ("convnext_tiny", 32, 8),
        ("regnet_y_400mf", 32, 5),
        ("densenet121", 32, 5),
    ],
)
def test_stages(name: str, size: int, expected: int) -> None:
    network = image_network(f"torchvision/{name}", size, 2)
    found = stages(network)
    assert len(found) == expected
    held = {id(p) for stage in found for module in stage for p in module.parameters()}
    direct = {"trunk.class_token", "trunk.encoder.pos_embedding"}
    assert {n for n, p in network.named_parameters() if id(p) not in held} - direct == {"head.weight", "head.bias"}


def test_more_stages_than_there_are() -> None:
    with pytest.raises(RunError, match="has 5 stages") as caught:
        unfreeze_last(image_network("torchvision/resnet18", 32, 2), 5)
    assert caught.value.reason is Reason.INVALID_SPEC
