"""When training must end before it is done: its time is over, or the process is told to go."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from transfermodel_operator.api import Reason
from transfermodel_operator.api.run import RunTraining

from transfermodel_trainer.errors import RunError

MAX_DURATION = "spec.training.maxDurationSeconds"
GPU_SECONDS = "spec.training.budget.gpuSeconds"


class Interrupted(BaseException):
    """The process was told to end, and what was worth keeping is kept."""


class Interruption:
    """Whether the process was told to end, and whether somebody in it will see to that."""

    def __init__(self) -> None:
        """Nobody told it anything yet."""
        self._told = threading.Event()
        self._lock = threading.Lock()
        self._attending = 0

    def tell(self) -> None:
        """Tell the process to end."""
        self._told.set()

    def told(self) -> bool:
        """Tell whether it was told to."""
        return self._told.is_set()

    def is_attended(self) -> bool:
        """Tell whether somebody looks at it."""
        return self._attending > 0

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Within, somebody looks often whether the process is to end, or has something to finish first."""
        with self._lock:
            self._attending += 1
        try:
            yield
        finally:
            with self._lock:
                self._attending -= 1


class Limits:
    """The budgets of one run, over all its processes, and whether this process was told to end.

    Whoever computes for long asks at every step. At `exceeded` the best model so far is taken; at `interrupted` what
    was done is kept, within `attended`, and `Interrupted` raised.
    """

    def __init__(
        self,
        seconds: Mapping[str, float],
        elapsed: Callable[[], float],
        interruption: Interruption | None = None,
    ) -> None:
        """Take the limits.

        Args:
            seconds: the most that the run may take, by the field of the spec that says so.
            elapsed: seconds since the run began, those of interrupted processes too.
            interruption: tells when the process is to end; None: never.
        """
        self.seconds = dict(seconds)
        self._elapsed = elapsed
        self._interruption = interruption or Interruption()
        self._fitted = threading.Event()

    @classmethod
    def of(
        cls, training: RunTraining, gpus: int, elapsed: Callable[[], float], interruption: Interruption | None = None
    ) -> "Limits":
        """Return the limits of a request; seconds of GPUs count from the start of the pod, which holds them."""
        seconds: dict[str, float] = {MAX_DURATION: training.max_duration_seconds}
        if training.budget is not None and training.budget.gpu_seconds is not None and gpus > 0:
            seconds[GPU_SECONDS] = training.budget.gpu_seconds / gpus
        return cls(seconds, elapsed, interruption)

    @classmethod
    def none(cls) -> "Limits":
        """Return limits that are never reached."""
        return cls({}, time.monotonic)

    def remaining_seconds(self) -> float:
        """Return the seconds until a limit is reached: negative when it is, infinite without one."""
        return min(self.seconds.values(), default=math.inf) - self._elapsed()

    def left(self) -> dict[str, float]:
        """Return the seconds that are left of each limit, by the field of the spec that says so."""
        return {field: most - self._elapsed() for field, most in self.seconds.items()}

    def exceeded(self) -> str | None:
        """Return the field of the spec whose time is over, such as spec.training.maxDurationSeconds, if one's is."""
        if self.remaining_seconds() > 0:
            return None
        return self.first()

    def first(self) -> str:
        """Return the field of the spec whose limit is reached first; there must be one."""
        return min(self.seconds, key=lambda field: self.seconds[field])

    def interrupted(self) -> bool:
        """Tell whether the process was told to end."""
        return self._interruption.told()

    def attended(self) -> AbstractContextManager[None]:
        """Within, the caller looks at `interrupted` often, and a signal does not end the process at once."""
        return self._interruption.attended()

    def fitted(self) -> None:
        """Say that there is a model that could be published: a limit now ends training, no longer the run."""
        self._fitted.set()

    def is_fitted(self) -> bool:
        """Tell whether there is one."""
        return self._fitted.is_set()

    def failure(self, field: str) -> RunError:
        """Return what to say when that limit was reached before there was a model to publish."""
        amount = f"{self.seconds[field]:.0f} s"
        return RunError(
            Reason.DEADLINE_EXCEEDED,
            f"Training was stopped after {amount} ({field}), before there was a model to publish: raise it, lower "
            "fineTuning.batchSize, use strategy FeatureExtraction, or give it more resources.",
        )

    def check(self) -> None:
        """Raise Interrupted if the process was told to end."""
        if self.interrupted():
            raise Interrupted
