"""FeatureExtraction: the frozen trunk runs once, the head is solved for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.features.cache import FeatureCache
from transfermodel_trainer.limits import Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.training.feeds import Feed
from transfermodel_trainer.training.heads import fit_head
from transfermodel_trainer.training.inference import compute_features
from transfermodel_trainer.training.linear_head import FittedHead, HeadSettings

FLIP_SAMPLES = 10_000
"""Above this many samples mirrored views add time and next to no accuracy."""


@dataclass(frozen=True)
class Probe:
    """A fitted head."""

    fitted: FittedHead
    features: Tensor  # (V, N, D): what it was fitted on, mirrored views after plain ones
    classes: Tensor  # (N,)
    computed: Tensor | None = None
    """(V, N, D): all views that were computed, those that did not help too."""

    @classmethod
    def of(
        cls,
        features: Tensor,
        classes: Tensor,
        count: int,
        digests: Sequence[str],
        settings: HeadSettings | None = None,
    ) -> "Probe":
        """Fit a head for `count` classes to features (V, N, D)."""
        return cls(fit_head(features, classes, count, digests, settings or HeadSettings()), features, classes)

    @property
    def flipped(self) -> bool:
        """Tell whether mirrored views helped."""
        return len(self.features) > 1


def fit_probe(
    network: Network,
    samples: Samples,
    feed: Feed,
    progress: Progress,
    *,
    flip: bool = True,
    cache: FeatureCache | None = None,
    limits: Limits | None = None,
) -> Probe:
    """Fit the network's head on its frozen trunk, and set it.

    Mirrored views are kept only where they improve the leave-one-out cross entropy without costing accuracy: on
    oriented data, such as digits, they hurt.
    """
    progress.phase("Features")
    flip = flip and len(samples) <= FLIP_SAMPLES
    share = 0.5 if flip else 1.0
    plain = compute_features(
        network, samples, feed, cache=cache, limits=limits, step=lambda done: progress.step(done * share)
    )
    if not torch.isfinite(plain).all():
        raise RunBroken(
            Reason.TRAINING_DIVERGED,
            f"The features of {network.name} are not finite numbers: its weights or "
            "spec.backbone.input (mean, std) "
            "do not suit it.",
        )
    count = network.head.out_features
    best = Probe.of(plain[None], samples.classes, count, samples.digests)
    if flip:
        mirrored = compute_features(
            network,
            samples,
            feed,
            flip=True,
            cache=cache,
            limits=limits,
            step=lambda done: progress.step(0.5 + done * 0.5),
        )
        both = Probe.of(torch.stack([plain, mirrored]), samples.classes, count, samples.digests)
        best = replace(best, computed=both.features)
        if both.fitted.cross_entropy < best.fitted.cross_entropy and both.fitted.accuracy >= best.fitted.accuracy:
            best = both
    best.fitted.head.put_on(network)
    mirrors = f", mirrored views {'kept' if best.flipped else 'not used'}" if flip else ""
    progress.say(
        f"Head solved on {len(samples)} samples x {network.width} features: leave-one-out accuracy "
        f"{best.fitted.accuracy:.4f}{mirrors}."
    )
    return best
