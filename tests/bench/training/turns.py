"""One turn of one method: what it gets, and what is measured of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.split import held_out
from transfermodel_trainer.training.device import Device
from transfermodel_trainer.training.feeds import Feed
from transfermodel_trainer.training.inference import compute_logits

from tests.bench.training.material import Material

VALIDATION_FRACTION = 0.2
"""Of the training samples, for methods that choose by a validation set: the trainer's own default."""


@dataclass(frozen=True)
class Effort:
    """How long the baselines learn: by their own rules, but for a test of this program."""

    tutorial_epochs: int = 25
    tutorial_batch: int = 4
    hyperrule_steps: int = 500
    hyperrule_batch: int = 512


@dataclass(frozen=True)
class Turn:
    """What a method gets."""

    material: Material
    train: Samples
    """All that may be learned from; a method that needs a validation set takes it from here."""
    seed: int
    device: Device
    effort: Effort = field(default_factory=Effort)

    def parts(self) -> tuple[Samples, Samples]:
        """Return what to learn from and what to choose by: the split that the trainer makes with this seed."""
        chosen = held_out(self.train.digests, self.train.classes.numpy(), VALIDATION_FRACTION, self.seed)
        return self.train.select(np.flatnonzero(~chosen)), self.train.select(np.flatnonzero(chosen))


@dataclass(frozen=True)
class Outcome:
    """What came of a turn; seconds are those of decoded samples in memory."""

    accuracy: float
    """On the test set, which no method ever saw."""
    seconds: float
    """Of training alone: without loading, without judging the test set, without `choosing`."""
    evaluation_seconds: float
    """Of judging the test set once."""
    choosing_seconds: float = 0.0
    """Of the validation passes by which a baseline chose its epoch; ours are a part of `seconds`."""
    facts: dict[str, float] = field(default_factory=dict)
    """What else is worth keeping, such as images per second."""


Method = Callable[[Turn], Outcome]


class Stopwatch:
    """Adds up the seconds of what is done within it; waits for the device, which computes on its own time."""

    def __init__(self, device: Device) -> None:
        """Start at nothing."""
        self.seconds = 0.0
        self._device = device

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what is done within."""
        begun = self._now()
        try:
            yield
        finally:
            self.seconds += self._now() - begun

    def _now(self) -> float:
        if self._device.cuda:
            torch.cuda.synchronize()
        return time.perf_counter()


def accuracy(logits: Tensor, classes: Tensor) -> float:
    """Return the part of the logits (N, K) that is right."""
    return float((logits.argmax(1) == classes).double().mean())


def judge(network: Network, test: Samples, feed: Feed, device: Device) -> tuple[float, float]:
    """Return accuracy and seconds of one pass over the test set, the same for every side."""
    watch = Stopwatch(device)
    with watch.running():
        logits = compute_logits(network, test, feed)
    return accuracy(logits, test.classes), watch.seconds
