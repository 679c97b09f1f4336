"""T0: PyTorch's tutorial "Transfer Learning for Computer Vision", written as the baseline.

https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html: SGD with learning rate 0.001 and momentum 0.9,
divided by 10 every 7 epochs, 25 epochs in batches of 4, a random crop of 8 to 100 % of the area and a flip, the whole
network in training mode, the epoch with the best validation accuracy kept. "ConvNet as fixed feature extractor" freezes
all but a new head, and computes the backbone again in every epoch; "Finetuning the ConvNet" trains everything.

Three things differ. Crops have the backbone's own size and are cut from decoded images in memory; there are no worker
processes, which only pay where files are read and decoded; and normalisation is done for a batch at once. All three
make it faster. Texts and recordings are not augmented, as the tutorial has nothing for them.
"""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR
from torchvision.transforms import v2
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.training.feeds import Feed, feed_of

from tests.bench.training.turns import Effort, Outcome, Stopwatch, Turn, accuracy, judge

JUDGING_BATCH = 4
LEARNING_RATE, MOMENTUM = 0.001, 0.9
DECAY_EPOCHS, DECAY = 7, 0.1

Augment = Callable[[Tensor], Tensor]


def frozen(turn: Turn) -> Outcome:
    """Learn a new head on the frozen network, which is computed again in every epoch."""
    return learn(turn, freeze=True)


def fine_tuning(turn: Turn) -> Outcome:
    """Learn everything."""
    return learn(turn, freeze=False)


def learn(turn: Turn, *, freeze: bool) -> Outcome:
    """Train, keep the best epoch, judge."""
    backbone = turn.material.backbone(turn.seed)
    network, device = backbone.network.to(turn.device.torch), turn.device
    feed = feed_of(backbone.preprocessing, device.torch)
    training, validation = turn.parts()
    learning, choosing = Stopwatch(device), Stopwatch(device)
    effort = turn.effort
    train(network, training, validation, feed, effort, learning, choosing, augment=augmentation(turn), freeze=freeze)
    right, seconds = judge(network, turn.material.test, feed, device)
    rate = effort.tutorial_epochs * len(training) / learning.seconds
    return Outcome(right, learning.seconds, seconds, choosing.seconds, {"samples_per_second": rate})


def train(
    network: Network,
    training: Samples,
    validation: Samples,
    feed: Feed,
    effort: Effort,
    learning: Stopwatch,
    choosing: Stopwatch,
    *,
    augment: Augment,
    freeze: bool,
) -> None:
    """Train the network in place as the tutorial does, and leave it with the weights of its best epoch."""
    network.requires_grad_(not freeze)
    network.head.requires_grad_(True)
    network.head.reset_parameters()
    optimizer = torch.optim.SGD(
        [weight for weight in network.parameters() if weight.requires_grad], lr=LEARNING_RATE, momentum=MOMENTUM
    )
    schedule = StepLR(optimizer, step_size=DECAY_EPOCHS, gamma=DECAY)
    best, kept = 0.0, copy.deepcopy(network.state_dict())
    for _ in range(effort.tutorial_epochs):
        with learning.running():
            network.train()  # a frozen trunk, too: so its BatchNorm statistics move
            for rows, classes in batches(training, effort.tutorial_batch, augment):
                optimizer.zero_grad()
                arguments = feed(rows)
                loss = nn.functional.cross_entropy(network(*arguments), classes.to(arguments[0].device))
                loss.backward()
                optimizer.step()
            schedule.step()
        with choosing.running():
            found = validated(network, validation, feed)
        if found > best:
            best, kept = found, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    network.eval()


def validated(network: Network, validation: Samples, feed: Feed) -> float:
    """Return the accuracy on the validation set, computed in batches of 4 as there."""
    network.eval()
    with torch.no_grad():
        logits = [network(*feed(rows)).cpu() for rows in validation.rows.split(JUDGING_BATCH)]
    return accuracy(torch.cat(logits), validation.classes)


def batches(samples: Samples, size: int, augment: Augment) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled batches of rows and classes, every row augmented by itself.

    A last batch of one joins the one before it: there the tutorial would end with BatchNorm's error.
    """
    parts = list(torch.randperm(len(samples)).split(size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    for chosen in parts:
        yield torch.stack([augment(samples.rows[index]) for index in chosen]), samples.classes[chosen]


def augmentation(turn: Turn) -> Augment:
    """Return what the tutorial does to images, at the backbone's size; nothing for other samples."""
    if turn.material.task != "ImageClassification":
        return lambda row: row
    transforms: Augment = v2.Compose(
        [v2.RandomResizedCrop(turn.train.rows.shape[-1], antialias=True), v2.RandomHorizontalFlip()]
    )
    return transforms
