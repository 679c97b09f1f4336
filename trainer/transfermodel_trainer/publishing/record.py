"""What report, card and metrics tell of a run."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from transfermodel_operator.api import Int8Check, RunRequest
from transfermodel_predictor.artifact.description import ModelDescription

from transfermodel_trainer.data.nouns import Nouns, nouns
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.sources import Role
from transfermodel_trainer.data.split import Split
from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.publishing.int8 import in_words


@dataclass(frozen=True)
class RunRecord:
    """One run. Nothing that differs between two equal runs is told: their artifacts have one digest.

    So times, and where the output and the run's processors were, are in result.json only.
    """

    request: RunRequest
    description: ModelDescription
    learned: Learned
    split: Split
    device: str
    content: Callable[[int], bytes]
    """A sample's position -> its encoded file, or the text."""
    int8: Int8Check | None = None
    """The model in 8-bit integers, without what was measured in time."""

    @property
    def title(self) -> str:
        """namespace/name."""
        return f"{self.request.namespace}/{self.request.name}"

    @property
    def facts(self) -> dict[str, str]:
        """What else is known of the model, for people."""
        return self.learned.notes | ({"in 8-bit integers": in_words(self.int8)} if self.int8 else {})

    @property
    def words(self) -> Nouns:
        """What its samples are called."""
        return nouns(self.request.task)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        return self.description.labels

    @property
    def samples(self) -> dict[Role, Samples]:
        """The samples of each role that has any, as they were used: train without what was held out."""
        found: dict[Role, Samples | None] = {
            "train": self.split.train,
            "validation": self.split.validation,
            "test": self.split.test,
        }
        return {role: samples for role, samples in found.items() if samples is not None}

    def samples_per_class(self) -> dict[Role, list[int]]:
        """Return how many samples each class has in each split."""
        return {
            role: samples.classes.bincount(minlength=len(self.labels)).tolist()
            for role, samples in self.samples.items()
        }

    def content_digests(self) -> dict[Role, str]:
        """Return sha256:… over the content and class of each split's samples, wherever they are stored and named."""
        digests: dict[Role, str] = {}
        for role, samples in self.samples.items():
            lines = sorted(
                f"{digest} {self.labels[number]}\n"
                for digest, number in zip(samples.digests, samples.classes.tolist(), strict=True)
            )
            digests[role] = "sha256:" + hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
        return digests
