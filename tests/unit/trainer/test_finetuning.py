"""Batches, rates, frozen parts, the best epoch."""

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
from transfermodel_trainer.training import finetuning
from transfermodel_trainer.training.batches import batch_indices, steps_per_epoch
from transfermodel_trainer.training.calibration import cross_entropy
from transfermodel_trainer.training.device import choose_device
from transfermodel_trainer.training.feeds import ImageFeed
from transfermodel_trainer.training.finetuning import Tuned, fine_tune
from transfermodel_trainer.training.inference import compute_logits
from transfermodel_trainer.training.recipe import FEW_IMAGES, USUAL, Recipe
from transfermodel_trainer.training.schedule import one_cycle, optimizer_of, parameter_groups, set_rates
from transfermodel_trainer.training.state import MOMENTS, TrainingState

PREPROCESSING = ImagePreprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 33])
@pytest.mark.parametrize("size", [2, 16])
def test_batches_cover_all_and_none_is_single(count: int, size: int) -> None:
    parts = batch_indices(count, size, 0, 0)
    assert set(torch.cat(parts).tolist()) == set(range(count))
    assert min(len(part) for part in parts) >= 2
    assert len(parts) == steps_per_epoch(count, size)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return torch.cat(batch_indices(100, 7, seed, epoch)).tolist()

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


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
    kept = judged[tuned.kept_epoch - 1]
    assert kept.validation_accuracy == float((logits.argmax(1) == validation.classes).double().mean())
    assert kept.validation_loss == cross_entropy(logits, validation.classes)


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


def statistics(network: Network) -> dict[str, torch.Tensor]:
    return {name: buffer.clone() for name, buffer in network.named_buffers()}


@pytest.mark.parametrize("unfreeze", ["All", "LastStages"])
def test_statistics_of_what_was_trained_before_stay_and_those_from_scratch_move(unfreeze: str) -> None:
    network = image_network("torchvision/resnet18", 32, 2)
    before = statistics(network)
    tune_from(network, 16, pretrained=True, unfreeze=unfreeze)
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())
    assert not torch.equal(network.trunk.get_parameter("layer4.1.bn2.weight"), torch.ones(512)), "its scale learns"
    tune_from(network, 16, pretrained=False, unfreeze="All")
    moved = {name for name, buffer in network.named_buffers() if not torch.equal(buffer, before[name])}
    assert moved == set(before)


def tune_from(network: Network, count: int, *, pretrained: bool, **settings: object) -> Tuned:
    device = choose_device(0)
    chosen = FineTuning.model_validate({"epochs": 2, "batchSize": 8, "learningRate": "1e-2"} | settings)
    feed = ImageFeed(PREPROCESSING, device.torch)
    return fine_tune(
        network,
        images(count),
        feed,
        device,
        chosen,
        0,
        Progress(quiet=True),
        validation=images(20),
        pretrained=pretrained,
    )


def test_the_start_stays_when_nothing_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetuning, "PATIENCE", 2)
    network = image_network("torchvision/squeezenet1_1", 32, 2)
    judge_by(monkeypatch, network, [0.5, 0.6, 0.7, 0.1])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tuned = tune_from(network, 8, pretrained=True, unfreeze="All", epochs=5)
    assert (tuned.kept_epoch, len(tuned.history)) == (0, 2)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert tuned.notes() == {"weights kept": "those after epoch 0 of 2, by the validation set"}


def test_the_best_epoch_is_kept_and_patience_ends_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetuning, "PATIENCE", 2)
    network = image_network("torchvision/squeezenet1_1", 32, 2)
    seen = judge_by(monkeypatch, network, [0.9, 0.5, 0.7, 0.6, 0.1])
    tuned = tune_from(network, 8, pretrained=False, unfreeze="All", epochs=5)
    assert (tuned.kept_epoch, len(tuned.history)) == (2, 4)
    assert torch.equal(network.head.weight, seen[1])
    assert not torch.equal(network.head.weight, seen[-1])


def judge_by(monkeypatch: pytest.MonkeyPatch, network: Network, losses: list[float]) -> list[torch.Tensor]:
    """Let the validation set say these; return where the head's weights at each judgement are kept."""
    left, seen, judged = iter(losses), [], TrainingState.judged

    def judge(state: TrainingState, found: torch.Tensor) -> bool:
        seen.append(network.head.weight.detach().clone())
        return judged(state, torch.full_like(found, next(left)))

    monkeypatch.setattr(TrainingState, "judged", judge)
    return seen


@pytest.mark.parametrize(("noise", "returned"), [(0.01, True), (3.0, False)])
def test_a_lucky_epoch_is_not_gone_back_to(noise: float, returned: bool) -> None:
    network, device = image_network("torchvision/squeezenet1_1", 32, 2), choose_device(0)
    state = TrainingState(network, torch.optim.AdamW(network.parameters()), device, torch.zeros(()))
    best, weight = torch.linspace(0, 1, 20), network.head.weight
    assert state.judged(best)
    before = weight.detach().clone()
    with torch.no_grad():
        weight += 1
    assert not state.judged(best + 0.1 + noise * torch.tensor([-1.0, 1.0]).repeat(10))
    assert state.settle(complete=True) == returned
    assert torch.equal(weight, before) == returned
    assert state.settle(complete=False), "what was cut short has no last weights to prefer"


def test_earlier_stages_learn_more_slowly() -> None:
    network = image_network("torchvision/resnet18", 32, 2)
    groups = parameter_groups(network, 100, pretrained=True)
    scale = {id(parameter): group["scale"] for group in groups for parameter in group["params"]}
    decay = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    named = dict(network.trunk.named_parameters())
    parts = [network.head.weight, *(named[f"{part}.weight"] for part in LAYERS), named["conv1.weight"]]
    rates = [scale[id(part)] for part in parts]
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == 6
    assert {id(parameter) for parameter in network.parameters()} == scale.keys()
    assert decay[id(network.head.weight)] > 0 == decay[id(network.head.bias)] == decay[id(named["bn1.weight"])]
    assert {group["scale"] for group in parameter_groups(network, 100, pretrained=False)} == {1.0}
    few = {group["scale"] for group in parameter_groups(network, 25, pretrained=True)}
    assert sorted(few) == pytest.approx([scale / 2 if scale < 1 else 1 for scale in sorted(set(rates))])


def test_a_group_s_rate_is_its_part_of_the_peak() -> None:
    network = image_network("torchvision/squeezenet1_1", 32, 2)
    optimizer = torch.optim.AdamW(parameter_groups(network, 100, pretrained=True))
    assert set_rates(optimizer, 25, 100, 0.01) == pytest.approx(0.01)
    assert [group["lr"] for group in optimizer.param_groups] == [
        pytest.approx(0.01 * group["scale"]) for group in optimizer.param_groups
    ]
    assert set_rates(optimizer, 99, 100, 0.01) < 1e-6


@pytest.mark.parametrize("recipe", [USUAL, FEW_IMAGES])
def test_a_state_is_taken_up_whole(recipe: Recipe) -> None:
    device, found = choose_device(0), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = image_network("torchvision/squeezenet1_1", 32, 2)
        optimizer = optimizer_of(network, 10, 1e-3, recipe, pretrained=True)
        for parameter in network.parameters():
            parameter.grad = torch.rand_like(parameter)
        optimizer.step()
        state = TrainingState(network, optimizer, device, torch.tensor(float(seed)))
        state.judged(torch.rand(5))
        state.judged(torch.rand(5) + 2)
        found.append(state)
    first, second = found
    kept = {name: tensor.detach().clone() for name, tensor in first.tensors().items()}
    second.restore(kept)
    again = second.tensors()
    assert sum(name.startswith(MOMENTS) for name in kept) >= len(list(network.parameters()))
    assert again.keys() == kept.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in kept.items())
    assert second.settle(complete=True)


LAYERS = ("layer4.1.conv2", "layer3.0.conv1", "layer2.1.conv1", "layer1.0.conv2")


def test_what_belongs_to_no_stage_learns_like_the_first() -> None:
    network = image_network("torchvision/vit_b_32", 32, 2)
    groups = parameter_groups(network, 100, pretrained=True)
    scale = {id(parameter): group["scale"] for group in groups for parameter in group["params"]}
    assert scale[id(network.trunk.get_parameter("class_token"))] == min(scale.values())


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
