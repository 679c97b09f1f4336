"""What every strategy works with, and how what it made is judged."""

from dataclasses import dataclass, field

from torch import Tensor
from transfermodel_operator.api import RunRequest
from transfermodel_predictor.artifact.storage import Storage

from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.split import Split
from transfermodel_trainer.evaluation.metrics import measure
from transfermodel_trainer.evaluation.summary import Evaluated
from transfermodel_trainer.features.cache import FeatureCache
from transfermodel_trainer.features.opening import open_cache
from transfermodel_trainer.limits import Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.training.device import Device
from transfermodel_trainer.training.feeds import Feed


@dataclass(frozen=True)
class Context:
    """One run, ready to learn; a strategy trains the network in place."""

    request: RunRequest
    backbone: LoadedBackbone
    split: Split
    feed: Feed
    device: Device
    checkpoints: Checkpoints | None
    progress: Progress
    limits: Limits = field(default_factory=Limits.none)
    storage: Storage | None = None
    """<outputUri>/<namespace>: what runs of the namespace share, such as the features of samples."""

    @property
    def network(self) -> Network:
        """Return the network."""
        return self.backbone.network

    @property
    def mirrors(self) -> bool:
        """Tell whether a mirrored sample may be one of the same class: never a text or a recording."""
        return self.backbone.preprocessing.modality == "Image"

    def cache(self) -> FeatureCache | None:
        """Return what the namespace knows of the features of the backbone as it was loaded."""
        interval = self.request.training.checkpoint_interval_seconds
        return open_cache(self.storage, self.backbone, self.device, self.progress.say, interval)

    def held_out(self) -> list[tuple[str, Samples]]:
        """Return what to judge by; the headline first: test, then validation."""
        return [
            (name, samples)
            for name, samples in (("test", self.split.test), ("validation", self.split.validation))
            if samples
        ]

    def evaluated(self, name: str, samples: Samples, logits: Tensor) -> Evaluated:
        """Return the metrics of logits (N, K)."""
        return Evaluated(name, samples, logits, measure(logits, samples.classes, self.split.labels))
