"""FineTuning: the top of the trunk, or all of it, learns together with the head."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final

import torch
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.stages import unfreeze_last
from transfermodel_trainer.checkpoints import Checkpoints, Saved
from transfermodel_trainer.data.samples import Samples, evenly
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.limits import Interrupted, Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.training.augmentation import Augmentation, augmentation_of
from transfermodel_trainer.training.batches import batch_indices, mixed, steps_per_epoch
from transfermodel_trainer.training.calibration import cross_entropy, fit_temperature
from transfermodel_trainer.training.device import Device
from transfermodel_trainer.training.feeds import Feed
from transfermodel_trainer.training.history import Epoch, Position, Tuned
from transfermodel_trainer.training.inference import compute_logits
from transfermodel_trainer.training.recipe import USUAL, Recipe
from transfermodel_trainer.training.schedule import one_cycle, optimizer_of, set_rates
from transfermodel_trainer.training.state import TrainingState

__all__ = ["EPOCHS", "Epoch", "Tuned", "fine_tune"]

EPOCHS: Final = "epochs"
"""Name of the checkpoint."""
LEAST_JUDGED: Final = 500
"""A validation set of so many is judged whole after each epoch; of a larger one at most half as many as learn."""
PATIENCE: Final = 10
"""So many epochs after the best one training ends, but not within half of all: the rate has to fall first."""
GRADIENT_NORM: Final = 5.0
Watch = Callable[[int, float], None]
"""Told after each epoch how many are done and the loss on the validation set once it is calibrated; what it raises ends
the training."""
LOOKS: Final = 10
"""On a GPU the loss is looked at every so many steps only: to look is to wait for it."""


def fine_tune(
    network: Network,
    samples: Samples,
    feed: Feed,
    device: Device,
    settings: FineTuning,
    seed: int,
    progress: Progress,
    *,
    validation: Samples | None = None,
    pretrained: bool = False,
    mirrored: bool = False,
    checkpoints: Checkpoints | None = None,
    checkpoint_seconds: float = 60.0,
    saved: Saved | None = None,
    limits: Limits | None = None,
    recipe: Recipe | None = None,
    watch: Watch | None = None,
    name: str = EPOCHS,
) -> Tuned:
    """Train the network in place along one cycle of the learning rate.

    Args:
        network: as loaded; without `saved` its head may have learned already.
        samples: what to learn from.
        feed: from rows to the network's input.
        device: where to compute.
        settings: how to train.
        seed: of the order, augmentation and Dropout.
        progress: where to report.
        validation: what to judge each epoch by: the last is kept, or the best where that is clearly better.
        pretrained: the network, head and all, is worth keeping: BatchNorm's statistics stay as they are, earlier stages
            learn more slowly, and the start may turn out to be the best.
        mirrored: whether a mirrored image may be one of the same class; `saved` knows it.
        checkpoints: where to keep what is done.
        checkpoint_seconds: how often.
        saved: what an interrupted run kept.
        limits: when to end.
        recipe: what the spec has no field for.
        watch: looks on, where there is a validation set.
        name: of the checkpoint.

    Raises:
        RunError: TrainingDiverged when the loss stops being a number; InvalidSpec for too many stages;
            DeadlineExceeded when time is over before anything was learned.
        Interrupted: once what was done is kept.
    """
    frozen: list[nn.Module] = []
    if settings.unfreeze == "LastStages":
        frozen = unfreeze_last(network, settings.stages or 1)
    else:
        network.requires_grad_(True)
    if pretrained:
        frozen += [module for module in network.modules() if isinstance(module, _BatchNorm)]
    network.to(memory_format=feed.memory_format)
    total = steps_per_epoch(len(samples), settings.batch_size) * settings.epochs
    recipe = recipe or USUAL
    optimizer = optimizer_of(network, total, float(settings.learning_rate), recipe, pretrained=pretrained)
    if recipe.zero_head and saved is None:
        nn.init.zeros_(network.head.weight)
        nn.init.zeros_(network.head.bias)
    tuning = _Tuning(
        TrainingState(network, optimizer, device, torch.zeros((), device=device.torch)),
        frozen,
        samples,
        evenly(validation, max(LEAST_JUDGED, len(samples) // 2)) if validation is not None else None,
        feed,
        settings,
        seed,
        progress,
        pretrained,
        Position(mirrored=mirrored),
        checkpoints,
        checkpoint_seconds,
        limits or Limits.none(),
        recipe,
        watch,
        name,
    )
    progress.phase("Training", epochs=settings.epochs)
    with tuning.limits.attended():
        if saved is not None:
            tuning.resume(saved)
        try:
            return tuning.run()
        except Interrupted:
            tuning.keep()
            raise


@dataclass
class _Tuning:
    """One fine-tuning, between two steps."""

    state: TrainingState
    frozen: list[nn.Module]
    samples: Samples
    judged: Samples | None
    feed: Feed
    settings: FineTuning
    seed: int
    progress: Progress
    pretrained: bool
    position: Position
    checkpoints: Checkpoints | None
    checkpoint_seconds: float
    limits: Limits
    recipe: Recipe
    watch: Watch | None
    name: str
    kept_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Count the steps, and move the data to the device where there is room."""
        self.rows = self.state.device.hold(self.samples.rows)
        self.steps = steps_per_epoch(len(self.samples), self.settings.batch_size)
        self.total = self.steps * self.settings.epochs

    def run(self) -> Tuned:
        """Train to the end."""
        position, ended_by = self.position, None
        if self.pretrained and self.judged is not None and self.state.last_losses is None:
            self._judge()
        while ended_by is None and position.epoch < self.settings.epochs and not self._stale():
            ended_by = self._learn()
            if position.step:
                self._close_epoch()
            elif position.epoch == 0 and not self.pretrained and ended_by is not None:
                raise self.limits.failure(ended_by)
        if ended_by is not None:
            self.progress.say(f"Warning: {ended_by} is over: training ends with the best that there is.")
        self._keep_later(wait=True)
        kept = position.best_epoch if self.state.settle(complete=ended_by is None) else position.epoch
        self.state.network.eval()
        return Tuned(tuple(position.history), kept, ended_by)

    def _learn(self) -> str | None:
        """Do what is left of the epoch; return the field of the spec whose time is over meanwhile."""
        position, samples, network, device = self.position, self.samples, self.state.network, self.state.device
        rows = self.rows
        augment = augmentation_of(rows, mirrored=position.mirrored, strength=self.recipe.augmentation)
        parts = batch_indices(len(samples), self.settings.batch_size, self.seed, position.epoch)
        network.train()
        for module in self.frozen:
            module.eval()
        while position.step < len(parts):
            self.limits.check()
            if (over := self.limits.exceeded()) is not None:
                return over
            indices, done = parts[position.step], position.epoch * self.steps + position.step
            inputs = self.feed(self._augmented(augment, rows[indices], done))
            with device.autocast():
                targets = samples.classes[indices].to(device.torch)
                loss = nn.functional.cross_entropy(
                    network(*inputs), targets, label_smoothing=self.recipe.label_smoothing
                )
            self._step(loss, len(indices), done)
            position.step += 1
            self.limits.fitted()
            if time.monotonic() - self.kept_at >= self.checkpoint_seconds:
                self._keep_later()
        return None

    def _augmented(self, augment: Augmentation, rows: Tensor, step: int) -> Tensor:
        """Return the rows as they are learned from; what is random in a step is a function of its number."""
        torch.manual_seed(mixed(self.seed, "dropout", step))
        return augment(rows, Generator().manual_seed(mixed(self.seed, "augmentation", step)))

    def _step(self, loss: Tensor, count: int, done: int) -> None:
        """Learn from the loss of a batch."""
        state = self.state
        look = not state.device.cuda or done % LOOKS == 0
        if look:
            self._check_finite(loss)
        set_rates(state.optimizer, done, self.total, float(self.settings.learning_rate))
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_NORM)
        state.optimizer.step()
        state.loss += loss.detach() * count
        if look:
            self.progress.step((done + 1) / self.total, epoch=self.position.epoch, loss=float(loss.detach()))

    def _close_epoch(self) -> None:
        """Judge the epoch, whole or cut short, and begin the next."""
        position, settings = self.position, self.settings
        seen = min(position.step * settings.batch_size, max(len(self.samples), 2))
        self._check_finite(self.state.loss)
        done = position.epoch * self.steps + position.step
        rate = one_cycle(done - 1, self.total)[0] * float(settings.learning_rate)
        accuracy, loss = self._judge(position.epoch + 1)
        position.history.append(Epoch(float(self.state.loss) / seen, rate, accuracy, loss))
        position.epoch, position.step = position.epoch + 1, 0
        self.state.loss.zero_()
        last = position.history[-1]
        self.progress.step(position.epoch / settings.epochs, epoch=position.epoch, loss=last.loss, accuracy=accuracy)
        self.progress.say(f"Epoch {position.epoch}/{settings.epochs}: {last}")
        if self.watch is not None and self.state.last_losses is not None:
            self.watch(position.epoch, float(self.state.last_losses.mean()))

    def _judge(self, epoch: int = 0) -> tuple[float | None, float | None]:
        """Return accuracy and cross entropy on the validation set; remember the weights if they are the best.

        The best are those with the least loss once they are calibrated, as they will be: training goes on to make a
        network surer of itself when it no longer makes it better.
        """
        if self.judged is None:
            return None, None
        logits = compute_logits(self.state.network, self.judged, self.feed, step=lambda _: self.limits.check())
        accuracy = float((logits.argmax(1) == self.judged.classes).double().mean())
        calibrated = logits.double() / fit_temperature(logits, self.judged.classes)
        if self.state.judged(nn.functional.cross_entropy(calibrated, self.judged.classes, reduction="none")):
            self.position.best_epoch = epoch
        return accuracy, cross_entropy(logits, self.judged.classes)

    def _stale(self) -> bool:
        """Tell whether the best epoch is so long ago that there will be no better one."""
        since = self.position.epoch - self.position.best_epoch
        return since >= max(PATIENCE, self.settings.epochs // 2) and self.state.is_behind()

    def resume(self, saved: Saved) -> None:
        """Take up what an interrupted run kept."""
        self.state.restore(saved.tensors)
        self.position = Position.of(saved.facts)
        done = self.position.epoch * self.steps + self.position.step
        if done or self.pretrained:
            self.limits.fitted()
        last = self.position.history[-1].loss if self.position.history else None
        self.progress.step(done / self.total, epoch=self.position.epoch, loss=last)
        self.progress.say(f"Resuming after {done} of {self.total} steps of training.")

    def keep(self) -> None:
        """Write a checkpoint now: the process ends."""
        if self.checkpoints is not None and self.checkpoints.save(
            self.name, self.state.tensors(), asdict(self.position)
        ):
            done = self.position.epoch * self.steps + self.position.step
            self.progress.say(f"Kept what was learned in {done} of {self.total} steps.")

    def _keep_later(self, *, wait: bool = False) -> None:
        if self.checkpoints is None:
            return
        if self.checkpoints.save_later(self.name, self.state.tensors(), asdict(self.position), wait=wait):
            self.kept_at = time.monotonic()

    def _check_finite(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            peak = float(self.settings.learning_rate)
            raise RunBroken(
                Reason.TRAINING_DIVERGED,
                f"The loss was no longer a number in epoch {self.position.epoch + 1}: set a lower "
                f"spec.training.fineTuning.learningRate (it is {peak:g}; try {peak / 10:g}).",
            )
