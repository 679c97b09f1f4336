"""What a run learned and how well, ready to be published."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.evaluation.choice import Choice
from transfermodel_trainer.evaluation.metrics import Metrics
from transfermodel_trainer.search.trials import History
from transfermodel_trainer.training.finetuning import Epoch


@dataclass(frozen=True)
class Evaluated:
    """One split with the logits (N, K) that its metrics come from."""

    split: str
    """test, validation, or leave-one-out of the training data."""
    samples: Samples
    logits: Tensor
    metrics: Metrics


@dataclass(frozen=True)
class CurvePoint:
    """How good the head is when it learns from fewer samples."""

    samples_per_class: int
    accuracy: float
    """Mean over the repetitions, on the headline split."""
    low: float
    high: float
    """Least and greatest of the repetitions."""


@dataclass(frozen=True)
class Learned:
    """The outcome of training and evaluation."""

    headline: Evaluated
    """Test when there is one, else an estimate."""
    splits: tuple[Evaluated, ...]
    """All that were measured, the headline first."""
    history: tuple[Epoch, ...]
    notes: dict[str, str]
    """Facts about the fit, such as the penalty of the head."""
    samples_curve: tuple[CurvePoint, ...] = ()
    """By samples per class, ascending; empty where it would not be cheap. Its last point is all samples."""
    budget_exceeded: str | None = None
    """The field of the spec whose time was over before training was done; `notes` says what that means."""
    strategy: Literal["FeatureExtraction", "FineTuning"] = "FeatureExtraction"
    """What it was made by; with Auto what was chosen."""
    choice: Choice | None = None
    """Of strategy Auto."""
    search: History | None = None
    """Of spec.training.search."""
    warnings: tuple[str, ...] = ()
    """Sentences for people."""

    @property
    def estimated(self) -> bool:
        """Tell whether there was no test set."""
        return self.headline.split != "test"
