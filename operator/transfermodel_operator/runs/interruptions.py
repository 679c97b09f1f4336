"""How often the training pod was taken away. An evicted pod is soon gone, so the status remembers."""

from dataclasses import dataclass

from transfermodel_operator.api.status import TrainingStatus
from transfermodel_operator.resources.names import short
from transfermodel_operator.runs import pods
from transfermodel_operator.runs.attempts import Attempt


@dataclass(frozen=True)
class Interruptions:
    """Those of one attempt."""

    count: int = 0
    last: str | None = None
    """When the last one was, as Kubernetes wrote it."""

    @property
    def times(self) -> str:
        """Return `once`, `2 times`, …."""
        return "once" if self.count == 1 else f"{self.count} times"


def count_interruptions(attempt: Attempt, before: TrainingStatus | None) -> Interruptions:
    """Return the interruptions that the status knows of, and those that came since.

    A Job starts a pod only when the one before has ended, so a later interruption has a later time.
    """
    known = Interruptions()
    if before is not None and short(before.run) == attempt.run_label and before.attempt == attempt.number:
        known = Interruptions(before.interruptions or 0, before.last_interruption_time)
    times = sorted(time for pod in attempt.pods if (time := pods.interrupted_at(pod)))
    new = [time for time in times if known.last is None or time > known.last]
    return Interruptions(known.count + len(new), new[-1] if new else known.last)
