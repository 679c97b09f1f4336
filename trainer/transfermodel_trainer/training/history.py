"""What fine-tuning did: epoch by epoch, where it is, and what it came to."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data."""

    loss: float
    """Mean training loss, in nats."""
    learning_rate: float
    """Of the head, at the end of the epoch."""
    validation_accuracy: float | None = None
    """After the epoch, on the validation set or on a part of a large one; None without one."""
    validation_loss: float | None = None
    """Cross entropy in nats."""

    def __str__(self) -> str:
        """Return it for people."""
        judged = "" if self.validation_accuracy is None else f", validation accuracy {self.validation_accuracy:.4f}"
        return f"loss {self.loss:.4f}{judged}"


@dataclass
class Position:
    """Where training is; as JSON it goes into the checkpoint."""

    epoch: int = 0
    """How many epochs are done and judged."""
    step: int = 0
    """How many steps of the present one are done."""
    best_epoch: int = 0
    """After which epoch the best weights were; 0: the start."""
    mirrored: bool = False
    """Whether images are mirrored at random."""
    history: list[Epoch] = field(default_factory=list)

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Position":
        """Return what `dataclasses.asdict` made JSON of."""
        return cls(**facts | {"history": [Epoch(**entry) for entry in facts["history"]]})


@dataclass(frozen=True)
class Tuned:
    """What fine-tuning came to."""

    history: tuple[Epoch, ...]
    kept_epoch: int
    """After which epoch the network had the weights that it has now; 0: before the first."""
    ended_by: str | None
    """The field of the spec whose time was over before training was done."""

    def notes(self) -> dict[str, str]:
        """Return what report and card say of it."""
        notes = {}
        if self.kept_epoch < len(self.history):
            notes["weights kept"] = f"those after epoch {self.kept_epoch} of {len(self.history)}, by the validation set"
        if self.ended_by is not None:
            notes["training ended early"] = (
                f"{self.ended_by} was over after {len(self.history)} epochs: on another machine the same seed may give "
                "another model"
            )
        return notes
