"""The baselines are what they say they are."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.training.device import Device
from transfermodel_trainer.training.feeds import feed_of

from tests.bench.training import hyperrule, ours, simple, tutorial
from tests.bench.training.material import Material
from tests.bench.training.turns import Effort, Outcome, Stopwatch, Turn

pytestmark = pytest.mark.unit


def taught(
    turn: Turn, *, freeze: bool, epochs: int = 2, validation: Samples | None = None
) -> tuple[dict[str, Tensor], Network]:
    """Return the network's state before, and the network after the tutorial's training."""
    backbone = turn.material.backbone(turn.seed)
    before = copy.deepcopy(backbone.network.state_dict())
    feed = feed_of(backbone.preprocessing, turn.device.torch)
    watches = Stopwatch(turn.device), Stopwatch(turn.device)
    training, held_out = turn.parts()
    tutorial.train(
        backbone.network,
        training,
        validation or held_out,
        feed,
        Effort(tutorial_epochs=epochs),
        *watches,
        augment=tutorial.augmentation(turn),
        freeze=freeze,
    )
    return before, backbone.network


def of_trunk(name: str) -> bool:
    return name.startswith("trunk.")


@pytest.fixture
def first_epoch_is_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the weights that are kept have learned for exactly one epoch."""
    found = iter([0.9, 0.8, 0.7, 0.6])
    monkeypatch.setattr(tutorial, "validated", lambda *_: next(found))


@pytest.mark.usefixtures("first_epoch_is_best")
def test_the_frozen_tutorial_keeps_every_weight_of_the_trunk_and_lets_its_statistics_drift(turn: Turn) -> None:
    before, network = taught(turn, freeze=True)
    weights = [name for name, _ in network.named_parameters() if of_trunk(name)]
    statistics = [name for name, _ in network.named_buffers() if name.endswith("running_mean")]
    after = network.state_dict()
    assert len(weights) > 50
    assert len(statistics) > 20
    assert all(torch.equal(before[name], after[name]) for name in weights)
    assert not any(torch.equal(before[name], after[name]) for name in statistics)
    assert not torch.equal(before["head.weight"], after["head.weight"])


@pytest.mark.usefixtures("first_epoch_is_best")
def test_the_tutorials_fine_tuning_learns_every_weight(turn: Turn) -> None:
    before, network = taught(turn, freeze=False)
    after = network.state_dict()
    convolutions = [name for name, weight in network.named_parameters() if of_trunk(name) and weight.ndim == 4]
    assert convolutions
    assert not any(torch.equal(before[name], after[name]) for name in convolutions)


def test_the_tutorial_steps_as_written_there(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    batches: list[int] = []

    class Recorded(torch.optim.SGD):
        def step(self, closure=None):  # type: ignore[no-untyped-def]
            rates.append(self.param_groups[0]["lr"])
            assert self.param_groups[0]["momentum"] == 0.9
            assert self.param_groups[0]["weight_decay"] == 0
            return super().step(closure)

    whole = tutorial.batches

    def counted(samples: Samples, size: int, augment: tutorial.Augment):  # type: ignore[no-untyped-def]
        for rows, classes in whole(samples, size, augment):
            batches.append(len(rows))
            yield rows, classes

    monkeypatch.setattr(torch.optim, "SGD", Recorded)
    monkeypatch.setattr(tutorial, "batches", counted)
    monkeypatch.setattr(tutorial, "validated", lambda *_: 0.5)
    taught(turn, freeze=True, epochs=15)
    samples = len(turn.parts()[0])
    assert sum(batches) == 15 * samples
    assert set(batches) <= {4, samples % 4, 5}
    steps = len(batches) // 15
    assert len(rates) == len(batches)
    assert rates[: 7 * steps] == [0.001] * 7 * steps
    assert rates[7 * steps : 14 * steps] == pytest.approx([0.0001] * 7 * steps)
    assert rates[14 * steps :] == pytest.approx([0.00001] * steps)


def test_the_tutorial_keeps_its_best_epoch(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    found = iter([0.1, 0.9, 0.9, 0.3])

    def validated(network: Network, *_: object) -> float:
        seen.append(network.head.weight.detach().clone())
        return next(found)

    monkeypatch.setattr(tutorial, "validated", validated)
    _, network = taught(turn, freeze=True, epochs=4)
    assert torch.equal(network.head.weight, seen[1])
    assert not torch.equal(network.head.weight, seen[3])
    assert not network.training


def test_the_tutorial_chooses_by_samples_that_it_did_not_learn_from(turn: Turn) -> None:
    training, validation = turn.parts()
    assert set(training.names) | set(validation.names) == set(turn.train.names)
    assert not set(training.names) & set(validation.names)
    assert 0 < len(validation) < len(training)
    assert not set(turn.train.digests) & set(turn.material.test.digests)


def test_the_tutorial_crops_and_mirrors_images_and_leaves_other_samples(turn: Turn) -> None:
    augment = tutorial.augmentation(turn)
    torch.manual_seed(0)
    row = turn.train.rows[0]
    seen = [augment(row) for _ in range(8)]
    assert all(image.shape == row.shape and image.dtype == row.dtype for image in seen)
    assert not any(torch.equal(image, row) for image in seen)
    text = replace(turn, material=replace(turn.material, task="TextClassification"))
    assert tutorial.augmentation(text)(row) is row


def test_a_last_batch_of_one_joins_the_one_before(tiny: Material) -> None:
    nine = tiny.train.select(np.arange(9))
    assert [len(rows) for rows, _ in tutorial.batches(nine, 4, lambda row: row)] == [4, 5]
    assert sorted(torch.cat([classes for _, classes in tutorial.batches(nine, 4, lambda row: row)])) == sorted(
        nine.classes
    )


def test_validation_time_is_not_training_time(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 0.0}

    def validated(*_: object) -> float:
        clock["now"] += 100.0
        return 0.5

    monkeypatch.setattr(tutorial, "validated", validated)
    monkeypatch.setattr(Stopwatch, "_now", lambda _: clock["now"])
    outcome = tutorial.learn(turn_with_rate(turn, monkeypatch, clock), freeze=True)
    assert outcome.seconds == 2 * 10.0
    assert outcome.choosing_seconds == 2 * 100.0


def turn_with_rate(turn: Turn, monkeypatch: pytest.MonkeyPatch, clock: dict[str, float]) -> Turn:
    """Let every epoch take ten seconds of the clock."""
    whole = tutorial.batches

    def slow(*arguments: object):  # type: ignore[no-untyped-def]
        clock["now"] += 10.0
        yield from whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tutorial, "batches", slow)
    return turn


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.0), (50, 0.0015), (100, 0.003), (199, 0.003), (200, 3e-4), (300, 3e-5), (400, 3e-6), (499, 3e-6)],
)
def test_the_learning_rate_of_the_hyperrule(step: int, rate: float) -> None:
    assert hyperrule.learning_rate(step) == pytest.approx(rate)


def test_the_hyperrule_draws_few_samples_with_replacement_and_many_in_epochs() -> None:
    few = hyperrule.batch_indices(3, 512)
    assert [len(next(few)) for _ in range(3)] == [512] * 3
    many = hyperrule.batch_indices(1200, 512)
    epoch = [next(many) for _ in range(3)]
    assert [len(part) for part in epoch] == [512, 512, 176]
    assert sorted(torch.cat(epoch).tolist()) == list(range(1200))


def test_the_hyperrule_starts_from_a_head_of_zeros_and_trains_everything(
    turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = turn.material.backbone(0)
    before = copy.deepcopy(backbone.network.state_dict())
    feed = feed_of(backbone.preprocessing, turn.device.torch)
    heads: list[Tensor] = []
    cross_entropy = nn.functional.cross_entropy

    def watched(logits: Tensor, classes: Tensor) -> Tensor:
        heads.append(logits.detach())
        return cross_entropy(logits, classes)

    monkeypatch.setattr(nn.functional, "cross_entropy", watched)
    hyperrule.train(backbone.network, turn.train, feed, Effort(hyperrule_steps=4, hyperrule_batch=8))
    assert torch.equal(heads[0], torch.zeros_like(heads[0]))
    assert not torch.equal(heads[-1], torch.zeros_like(heads[-1]))
    after = backbone.network.state_dict()
    assert not any(
        torch.equal(before[name], after[name])
        for name, weight in backbone.network.named_parameters()
        if weight.ndim == 4
    )


def test_crops_come_from_their_own_image(tiny: Material) -> None:
    images = torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1).expand(6, 3, 40, 40)
    cropped = hyperrule.cropped(images, 32)
    assert cropped.shape == (6, 3, 32, 32)
    assert torch.equal(cropped, images[:, :, :32, :32])


def test_raw_pixels_need_no_network(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "forward", lambda *_: pytest.fail("the network was asked"))
    assert simple.raw_input(turn).accuracy > 0.2


def test_words_tell_texts_apart(tiny: Material, device: Device) -> None:
    count = len(tiny.train)
    words = ["terrible mess" if label == 0 else "great fun" for label in tiny.train.classes.tolist()]
    words_of_test = ["mess" if label == 0 else "fun" for label in tiny.test.classes.tolist()]
    texts = dict(zip([*tiny.train.names, *tiny.test.names], [*words, *words_of_test], strict=True))
    two = [
        replace(samples, classes=(samples.classes > 0).long()) for samples in (tiny.train, tiny.test)
    ]  # two classes, told apart by their words alone
    material = replace(tiny, task="TextClassification", labels=("bad", "good"), train=two[0], test=two[1], texts=texts)
    assert count == len(words)
    assert simple.raw_input(Turn(material, two[0], 0, device)).accuracy == 1.0


def test_an_untrained_trunk_has_other_weights_than_the_pretrained_one(turn: Turn) -> None:
    pretrained, untrained = (
        loaded.network.state_dict() for loaded in (turn.material.backbone(5), turn.material.untrained(5))
    )
    convolutions = [name for name, weight in pretrained.items() if of_trunk(name) and weight.ndim == 4]
    assert not any(torch.equal(pretrained[name], untrained[name]) for name in convolutions)
    again = turn.material.untrained(5).network.state_dict()
    assert all(torch.equal(untrained[name], again[name]) for name in convolutions)
    without = replace(turn.material, backbone=lambda _: pytest.fail("the pretrained weights were loaded"))
    assert 0.0 <= simple.untrained_trunk(replace(turn, material=without)).accuracy <= 1.0


def test_our_side_never_sees_the_test_set_and_is_judged_by_the_network_that_it_leaves(turn: Turn) -> None:
    context, learned = ours.run_strategy(turn, "FeatureExtraction", turn.train, None)
    assert context.split.test is None
    assert learned.headline.split == "leave-one-out"
    outcome = ours.method("FeatureExtraction")(turn)
    with torch.inference_mode():
        logits = context.network(*context.feed(turn.material.test.rows))
    expected = float((logits.argmax(1) == turn.material.test.classes).double().mean())
    assert outcome.accuracy == pytest.approx(expected)
    assert outcome.seconds > 0


def test_evaluation_is_left_out_of_our_seconds(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    context, learned = ours.run_strategy(turn, "FeatureExtraction", turn.train, None)
    context.progress.seconds = {"Data": 1.0, "Features": 10.0, "Training": 100.0, "Evaluation": 1000.0}
    monkeypatch.setattr(ours, "run_strategy", lambda *_, **__: (context, learned))
    assert ours.method("FeatureExtraction")(turn).seconds == 111.0


def test_a_refit_computes_the_trunk_for_the_new_sample_alone(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    features, learned = Network.features, ours.learned

    def counted(self: Network, *arguments: Tensor) -> Tensor:
        computed.append(len(arguments[0]))
        return features(self, *arguments)

    def afresh(*arguments: object, **options: object) -> Outcome:
        computed.clear()
        return learned(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Network, "features", counted)
    monkeypatch.setattr(ours, "learned", afresh)
    judged = len(turn.material.test)
    ours.method("FeatureExtraction")(turn)
    whole = sum(computed) - judged
    ours.refit(turn)
    assert whole >= len(turn.train)
    assert 0 < sum(computed) - judged <= 0.6 * whole  # a batch may be filled up to a size that computes the same bits
