"""FeatureExtraction: the frozen trunk runs once, the head is solved for."""

from dataclasses import dataclass

import torch
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.images import Images, Normalise
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.training.device import Device
from transfermodel_trainer.training.inference import compute_features
from transfermodel_trainer.training.ridge import Ridge, fit_ridge

FLIP_SAMPLES = 10_000
"""Above this many samples mirrored views add time and next to no accuracy."""


@dataclass(frozen=True)
class Probe:
    """A fitted head, and whether mirrored views helped it."""

    ridge: Ridge
    flipped: bool


def fit_probe(
    network: Network, images: Images, normalise: Normalise, device: Device, progress: Progress, *, flip: bool = True
) -> Probe:
    """Fit the network's head on its frozen trunk, and set it.

    Mirrored views are kept only where they improve the leave-one-out cross entropy without costing accuracy: on
    oriented data, such as digits, they hurt.
    """
    progress.phase("Features")
    flip = flip and len(images) <= FLIP_SAMPLES
    share = 0.5 if flip else 1.0
    plain = compute_features(network, images, normalise, device, step=lambda done: progress.step(done * share))
    if not torch.isfinite(plain).all():
        raise RunBroken(
            Reason.TRAINING_DIVERGED,
            f"The features of torchvision/{network.name} are not finite numbers: its weights or "
            "spec.backbone.input (mean, std) "
            "do not suit it.",
        )
    classes = images.classes
    count = network.head.out_features
    best = Probe(fit_ridge(plain[None], classes, count), flipped=False)
    if flip:
        mirrored = compute_features(
            network, images, normalise, device, flip=True, step=lambda done: progress.step(0.5 + done * 0.5)
        )
        both = Probe(fit_ridge(torch.stack([plain, mirrored]), classes, count), flipped=True)
        if both.ridge.cross_entropy < best.ridge.cross_entropy and both.ridge.accuracy >= best.ridge.accuracy:
            best = both
    with torch.no_grad():
        network.head.weight.copy_(best.ridge.head.weight)
        network.head.bias.copy_(best.ridge.head.bias)
    progress.say(
        f"Head solved on {len(images)} samples x {network.width} features: leave-one-out accuracy "
        f"{best.ridge.accuracy:.4f}, mirrored views {'kept' if best.flipped else 'not used'}."
    )
    return best
