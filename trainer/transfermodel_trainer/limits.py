"""When training must end before it is done: its time is over, or the process is told to go."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from transfermodel_operator.api.run import RunTraining

MAX_DURATION = "spec.training.maxDurationSeconds"
GPU_SECONDS = "spec.training.budget.gpuSeconds"


class Interrupted(BaseException):
    """The process was told to end, and what was worth keeping is kept."""


class Limits:
    """The budgets of one run, over all its processes, and whether this process was told to end.

    Whoever computes for long asks at every step. At `exceeded` the best model so far is taken; at `interrupted` what
    was done is kept, within `attended`, and `Interrupted` raised.
    """

    def __init__(
        self,
        seconds: Mapping[str, float],
        elapsed: Callable[[], float],
        interrupted: threading.Event | None = None,
    ) -> None:
        """Take the limits.

        Args:
            seconds: the most that the run may take, by the field of the spec that says so.
            elapsed: seconds since the run began, those of interrupted processes too.
            interrupted: set when the process is told to end.
        """
        self.seconds = dict(seconds)
        self._elapsed = elapsed
        self._interrupted = interrupted or threading.Event()
        self._attending = 0

    @classmethod
    def of(
        cls, training: RunTraining, gpus: int, elapsed: Callable[[], float], interrupted: threading.Event | None = None
    ) -> "Limits":
        """Return the limits of a request; seconds of GPUs count from the start of the pod, which holds them."""
        seconds: dict[str, float] = {MAX_DURATION: training.max_duration_seconds}
        if training.budget is not None and training.budget.gpu_seconds is not None and gpus > 0:
            seconds[GPU_SECONDS] = training.budget.gpu_seconds / gpus
        return cls(seconds, elapsed, interrupted)

    @classmethod
    def none(cls) -> "Limits":
        """Return limits that are never reached."""
        return cls({}, time.monotonic)

    def remaining_seconds(self) -> float:
        """Return the seconds until a limit is reached: negative when it is, infinite without one."""
        return min(self.seconds.values(), default=math.inf) - self._elapsed()

    def exceeded(self) -> str | None:
        """Return the field of the spec whose time is over, such as spec.training.maxDurationSeconds, if one's is."""
        if self.remaining_seconds() > 0:
            return None
        return min(self.seconds, key=lambda field: self.seconds[field])

    def interrupted(self) -> bool:
        """Tell whether the process was told to end."""
        return self._interrupted.is_set()

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Within, whoever computes looks at `interrupted` often, and the signal does not end the process at once."""
        self._attending += 1
        try:
            yield
        finally:
            self._attending -= 1

    @property
    def is_attended(self) -> bool:
        """Tell whether somebody looks."""
        return self._attending > 0

    def check(self) -> None:
        """Raise Interrupted if the process was told to end."""
        if self.interrupted():
            raise Interrupted
