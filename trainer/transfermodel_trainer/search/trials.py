"""The trials of a search, what each came to, and which of them is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from torch import Tensor

from transfermodel_trainer.search.space import Parameters, simpler

State = Literal["Complete", "Pruned", "Failed", "Stopped"]
"""Stopped: time was over before it was done; a model may have come of it all the same."""
CUT: Final = 200
"""Characters that are kept of a cause."""


@dataclass(frozen=True)
class Trial:
    """One trial that is over."""

    number: int
    """From 0."""
    method: str
    parameters: Parameters
    """All settings; those that were found on the way, too."""
    state: State
    loss: float | None = None
    """Mean cross entropy, in nats, of the samples that trials are judged by; None: there is no model."""
    accuracy: float | None = None
    """Of the same samples."""
    steps: dict[int, float] = field(default_factory=dict)
    """The loss after each quarter of the epochs."""
    epochs: int | None = None
    """How many were done; None: it has none."""
    cause: str = ""
    """Why it failed."""
    seconds: float = 0.0
    found: dict[str, Any] = field(default_factory=dict)
    """What else is known of its model, to tell of it."""

    def to_facts(self) -> dict[str, Any]:
        """Return it as JSON for a checkpoint."""
        return asdict(self)

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Trial":
        """Return what `to_facts` made JSON of."""
        return cls(**{**facts, "steps": {int(step): loss for step, loss in facts["steps"].items()}})

    def described(self) -> str:
        """Return how it ended, for people."""
        if self.loss is None:
            return f"{self.state.lower()}{f': {self.cause}' if self.cause else ''}"
        return f"cross entropy {self.loss:.4f}, accuracy {self.accuracy or 0:.4f}{_ending(self)}"


@dataclass(frozen=True)
class Kept:
    """The model that is the best so far, by the trial that made it."""

    trial: Trial
    losses: Tensor
    """Of each sample that trials are judged by, (M,)."""

    def gives_way_to(self, other: "Kept") -> bool:
        """Tell whether the other is better: clearly, or as good and simpler; without more mistakes.

        Clearly is by more than a standard error of the difference, sample by sample: the best of many trials was lucky,
        too. As the usual settings are the first to be kept, a search is no worse than none on these samples.
        """
        accuracy, loss = other.trial.accuracy, other.trial.loss
        if accuracy is None or loss is None or accuracy < (self.trial.accuracy or 0.0):
            return False
        gains = self.losses - other.losses
        gain, error = float(gains.mean()), float(gains.std(correction=0)) / len(gains) ** 0.5
        less = simpler(other.trial.method, other.trial.parameters, self.trial.method, self.trial.parameters)
        return gain > error or (less and gain >= 0)


@dataclass(frozen=True)
class History:
    """A search that is over."""

    trials: tuple[Trial, ...]
    kept: int
    """The number of the trial whose model is published."""
    judged_by: str
    """What the trials were judged by, for sentences."""
    ended_by: str
    """Why there were no more trials, for sentences: it begins with a small letter and has no full stop."""

    @property
    def best(self) -> Trial:
        """Return the trial whose model is published."""
        return next(trial for trial in self.trials if trial.number == self.kept)

    @property
    def first(self) -> Trial:
        """Return the trial of the usual settings."""
        return self.trials[0]

    def counts(self) -> str:
        """Return how many trials ended in which way, for people."""
        kinds = {"Complete": "complete", "Pruned": "pruned", "Stopped": "stopped", "Failed": "failed"}
        found = [(sum(trial.state == state for trial in self.trials), word) for state, word in kinds.items()]
        return ", ".join(f"{count} {word}" for count, word in found if count)

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form for metrics.json: nothing in it differs between two equal runs."""
        return {
            "judgedBy": self.judged_by,
            "endedBy": self.ended_by,
            "best": self.kept + 1,
            "trials": [_wire(trial) for trial in self.trials],
        }


def most_frequent_cause(trials: Sequence[Trial]) -> tuple[str, int]:
    """Return why most of the failed trials failed, and how many these are."""
    counts: dict[str, int] = {}
    for trial in trials:
        if trial.state == "Failed":
            counts[trial.cause] = counts.get(trial.cause, 0) + 1
    cause = max(counts, key=lambda each: counts[each])
    return cause, counts[cause]


def failed(trial: Trial, cause: str) -> Trial:
    """Return the trial as one that failed."""
    words = " ".join(cause.split()).rstrip(".")
    return replace(trial, state="Failed", cause=words if len(words) <= CUT else f"{words[: CUT - 1]}…")


def _ending(trial: Trial) -> str:
    return {"Pruned": ", pruned", "Stopped": ", stopped"}.get(trial.state, "")


def _wire(trial: Trial) -> dict[str, Any]:
    known = {
        "loss": None if trial.loss is None else round(trial.loss, 6),
        "accuracy": None if trial.accuracy is None else round(trial.accuracy, 6),
        "epochs": trial.epochs,
        "cause": trial.cause or None,
    }
    return {
        "number": trial.number + 1,
        "method": trial.method,
        "parameters": trial.parameters,
        "state": trial.state,
        **{name: value for name, value in known.items() if value is not None},
    }
