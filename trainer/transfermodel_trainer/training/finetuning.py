"""FineTuning: the top of the trunk, or all of it, learns together with the head."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.stages import unfreeze_last
from transfermodel_trainer.checkpoints import Checkpoints, Saved
from transfermodel_trainer.data.samples import Samples, evenly
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.training.calibration import cross_entropy
from transfermodel_trainer.training.device import Device
from transfermodel_trainer.training.feeds import Feed
from transfermodel_trainer.training.inference import compute_logits
from transfermodel_trainer.training.state import TrainingState

EPOCHS = "epochs"
"""Name of the checkpoint."""
LEAST_JUDGED = 500
"""A validation set of so many is judged whole after each epoch; of a larger one at most half as many as learn."""
WEIGHT_DECAY = 0.05
WARM_UP = 0.25
"""The part of all steps in which the learning rate rises to its peak."""
FIRST_RATE, LAST_RATE = 1 / 25, 1 / 250_000
"""Of the peak."""
LEAST_MOMENTUM, MOST_MOMENTUM = 0.85, 0.95
GRADIENT_NORM = 5.0
SHIFT = 0.0625
"""Random crops: images move by at most this part of their side. No flips: a mirrored digit or letter is another one."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data."""

    loss: float
    """Mean training loss, in nats."""
    learning_rate: float
    """At the end of the epoch."""
    validation_accuracy: float | None = None
    """After the epoch, on the validation set or on a part of a large one; None without one."""
    validation_loss: float | None = None
    """Cross entropy in nats."""

    def __str__(self) -> str:
        """Return it for people."""
        judged = "" if self.validation_accuracy is None else f", validation accuracy {self.validation_accuracy:.4f}"
        return f"loss {self.loss:.4f}{judged}"


def fine_tune(
    network: Network,
    images: Samples,
    feed: Feed,
    device: Device,
    settings: FineTuning,
    seed: int,
    progress: Progress,
    *,
    validation: Samples | None = None,
    checkpoints: Checkpoints | None = None,
    saved: Saved | None = None,
) -> list[Epoch]:
    """Train the network in place with AdamW and a one-cycle learning rate; return what each epoch did.

    Args:
        network: as loaded; without `saved` its head may have learned already.
        images: what to learn from.
        feed: from pixels to the network's input.
        device: where to compute.
        settings: how to train.
        seed: of batches and shifts.
        progress: where to report.
        validation: what to judge each epoch by; nothing is chosen by it.
        checkpoints: where to keep each epoch.
        saved: the last epoch that an interrupted run finished.

    Raises:
        RunError: TrainingDiverged when the loss stops being a number; InvalidSpec for too many stages.
    """
    frozen: list[nn.Module] = []
    if settings.unfreeze == "LastStages":
        frozen = unfreeze_last(network, settings.stages or 1)
    else:
        network.requires_grad_(True)
    network.to(memory_format=feed.memory_format)
    generator = torch.Generator().manual_seed(seed)
    steps = steps_per_epoch(len(images), settings.batch_size)
    peak = float(settings.learning_rate)
    optimizer = torch.optim.AdamW(_groups(network), lr=peak, weight_decay=WEIGHT_DECAY, fused=True)
    state = TrainingState(network, optimizer, generator, device)
    judged = evenly(validation, max(LEAST_JUDGED, len(images) // 2)) if validation is not None else None
    history: list[Epoch] = []
    progress.phase("Training", epochs=settings.epochs)
    if saved is not None:
        state.restore(saved.tensors)
        history = [Epoch(**entry) for entry in saved.facts]
        progress.step(len(history) / settings.epochs, epoch=len(history), loss=history[-1].loss)
        progress.say(f"Resuming after epoch {len(history)} of {settings.epochs}.")
    done, rate = len(history) * steps, 0.0
    for epoch in range(len(history) + 1, settings.epochs + 1):
        _training_mode(network, frozen)
        total = torch.zeros((), device=device.torch)
        for indices in batch_indices(len(images), settings.batch_size, generator):
            inputs = feed(shift(images.rows[indices], generator))
            with device.autocast():
                loss = nn.functional.cross_entropy(network(*inputs), images.classes[indices].to(device.torch))
            _check_finite(loss, epoch, peak)
            rate = _set_rate(optimizer, done, settings.epochs * steps, peak)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
            optimizer.step()
            total += loss.detach() * len(indices)
            done += 1
            if not device.cuda or done % 10 == 0:
                progress.step(done / (settings.epochs * steps), epoch=epoch - 1, loss=float(loss.detach()))
        history.append(Epoch(float(total) / len(images), rate, *_judge(network, judged, feed, device)))
        if checkpoints is not None:
            checkpoints.save(EPOCHS, state.tensors(), [asdict(entry) for entry in history])
        progress.step(
            epoch / settings.epochs, epoch=epoch, loss=history[-1].loss, accuracy=history[-1].validation_accuracy
        )
        progress.say(f"Epoch {epoch}/{settings.epochs}: {history[-1]}")
    network.eval()
    return history


def _judge(network: Network, images: Samples | None, feed: Feed, device: Device) -> tuple[float | None, float | None]:
    """Return accuracy and cross entropy on the validation set; draws no random number, so training is as without."""
    if images is None:
        return None, None
    logits = compute_logits(network, images, feed)
    return float((logits.argmax(1) == images.classes).double().mean()), cross_entropy(logits, images.classes)


def one_cycle(step: int, total: int) -> tuple[float, float]:
    """Return the learning rate, as a part of its peak, and the momentum of a step, 0 <= step < total.

    One-cycle (arXiv:1708.07120) with cosine flanks: the rate rises for a quarter, then falls to almost nothing; the
    momentum does the opposite. Unlike torch's OneCycleLR it is defined for any number of steps.
    """
    warm = round(WARM_UP * total)
    if step < warm:
        share, low = (1 - math.cos(math.pi * step / warm)) / 2, FIRST_RATE
    else:
        share, low = (1 + math.cos(math.pi * (step - warm) / max(1, total - 1 - warm))) / 2, LAST_RATE
    return low + (1 - low) * share, MOST_MOMENTUM - (MOST_MOMENTUM - LEAST_MOMENTUM) * share


def _set_rate(optimizer: torch.optim.AdamW, step: int, total: int, peak: float) -> float:
    share, momentum = one_cycle(step, total)
    for group in optimizer.param_groups:
        group["lr"], group["betas"] = peak * share, (momentum, 0.999)
    return peak * share


def steps_per_epoch(count: int, size: int) -> int:
    """Return how many batches `batch_indices` yields."""
    return max(1, math.ceil(count / size) - (1 if count > size and count % size == 1 else 0))


def batch_indices(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield shuffled batches of indices; a last batch of one joins the one before it: BatchNorm cannot take one sample.

    A training set of a single sample is handed out twice in one batch, for the same reason.
    """
    order = torch.randperm(count, generator=generator)
    if count == 1:
        order = order.repeat(2)
    parts = list(torch.split(order, size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    yield from parts


def shift(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return each image (N, 3, S, S) moved by a few pixels at random, its border repeated."""
    count, _, height, width = pixels.shape
    reach = max(1, round(SHIFT * width))
    padded = nn.functional.pad(pixels.float(), (reach,) * 4, mode="replicate").to(torch.uint8)
    down = torch.randint(0, 2 * reach + 1, (count,), generator=generator)
    right = torch.randint(0, 2 * reach + 1, (count,), generator=generator)
    rows = down[:, None] + torch.arange(height)  # (N, H)
    columns = right[:, None] + torch.arange(width)  # (N, W)
    sample = torch.arange(count)[:, None, None, None]
    channel = torch.arange(pixels.shape[1])[None, :, None, None]
    return padded[sample, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _groups(network: Network) -> list[dict[str, object]]:
    """Return the parameters that learn: biases and normalisations without weight decay."""
    learning = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learning if p.ndim > 1]},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _training_mode(network: Network, frozen: list[nn.Module]) -> None:
    """Train, but keep the BatchNorm statistics and Dropout of frozen parts as they are in inference."""
    network.train()
    for module in frozen:
        module.eval()


def _check_finite(loss: Tensor, epoch: int, peak: float) -> None:
    if not torch.isfinite(loss):
        raise RunBroken(
            Reason.TRAINING_DIVERGED,
            f"The loss was no longer a number in epoch {epoch}: set a lower "
            f"spec.training.fineTuning.learningRate (it is {peak:g}; "
            f"try {peak / 10:g}).",
        )
