"""BiT-HyperRule, written as the baseline: how Big Transfer fine-tunes without a choice by the user.

https://github.com/google-research/big_transfer (bit_hyperrule.py, bit_pytorch/train.py; arXiv:1912.11370): everything
learns by SGD with momentum 0.9 and no weight decay from a head of zeros, in batches of 512; under 20,000 samples 500
steps, the learning rate rising to 0.003 in 100 of them and divided by 10 at 200, 300 and 400, no mixup; a random crop
and a flip; the last weights are kept. Fewer samples than a batch are drawn with replacement.

Images under 96 x 96 pixels are enlarged to 160 and cropped to 128 there. Here they are enlarged in the same proportion
and cropped to the backbone's own size, which is cheaper and what the backbone knows.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode, v2
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.training.feeds import Feed, feed_of

from tests.bench.training.turns import Effort, Outcome, Stopwatch, Turn, judge

LEARNING_RATE, MOMENTUM = 0.003, 0.9
STEPS, WARM_UP, DECAYS = 500, 100, (200, 300, 400)
MOST_SAMPLES = 20_000
"""From there on the rule takes more steps, and mixes samples."""
ENLARGED = 160 / 128
"""Side of the image over the side of the crop."""


def run(turn: Turn) -> Outcome:
    """Train by the rule on all samples; nothing is held out."""
    if len(turn.train) >= MOST_SAMPLES:
        raise ValueError(f"the rule is written down here for fewer than {MOST_SAMPLES} samples")
    backbone = turn.material.backbone(turn.seed)
    network, device = backbone.network.to(turn.device.torch), turn.device
    feed = feed_of(backbone.preprocessing, device.torch)
    watch = Stopwatch(device)
    with watch.running():
        train(network, turn.train, feed, turn.effort)
    right, seconds = judge(network, turn.material.test, feed, device)
    rate = turn.effort.hyperrule_steps * turn.effort.hyperrule_batch / watch.seconds
    return Outcome(right, watch.seconds, seconds, facts={"samples_per_second": rate})


def train(network: Network, samples: Samples, feed: Feed, effort: Effort) -> None:
    """Train the network in place."""
    network.requires_grad_(True)
    nn.init.zeros_(network.head.weight)
    nn.init.zeros_(network.head.bias)
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    size = samples.rows.shape[-1]
    enlarged = v2.functional.resize(
        samples.rows, [round(size * ENLARGED)] * 2, interpolation=InterpolationMode.BILINEAR, antialias=True
    )
    network.train()
    drawn = batch_indices(len(samples), effort.hyperrule_batch)
    for step in range(effort.hyperrule_steps):
        chosen = next(drawn)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        arguments = feed(cropped(enlarged[chosen], size))
        loss = nn.functional.cross_entropy(network(*arguments), samples.classes[chosen].to(arguments[0].device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()


def learning_rate(step: int) -> float:
    """Return the learning rate of a step, 0 <= step < 500."""
    if step < WARM_UP:
        return LEARNING_RATE * step / WARM_UP
    return LEARNING_RATE / float(10 ** sum(step >= decay for decay in DECAYS))


def batch_indices(count: int, size: int) -> Iterator[Tensor]:
    """Yield batches for ever: shuffled epochs, whose last batch may be smaller, or draws with replacement."""
    while True:
        if count < size:
            yield torch.randint(count, (size,))
        else:
            yield from torch.randperm(count).split(size)


def cropped(images: Tensor, size: int) -> Tensor:
    """Return a random crop of each image (N, 3, S, S), half of them mirrored."""
    room = images.shape[-1] - size + 1
    parts = []
    for image, down, right, flip in zip(
        images,
        torch.randint(room, (len(images),)).tolist(),
        torch.randint(room, (len(images),)).tolist(),
        torch.rand(len(images)).tolist(),
        strict=True,
    ):
        part = image[:, down : down + size, right : right + size]
        parts.append(part.flip(-1) if flip < 0.5 else part)
    return torch.stack(parts)
