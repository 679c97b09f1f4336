"""One request's samples on their way to predictions."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.observation.request_record import RequestRecord
from transfermodel_predictor.protocol.sources import Source


@dataclass(eq=False)
class Job:
    """What is known of one request; whoever holds the schedule's lock may change it."""

    sources: deque[Source]
    """Those that were not handed out yet; the others are let go, as a request may hold megabytes."""
    over: Callable[["Job"], None]
    """To be called once, when there are logits for all samples or a failure."""
    records: Sequence[RequestRecord] = ()
    """Of the request, for its phases."""
    since: float = 0.0
    """When it was accepted, by time.perf_counter()."""
    logits: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """By a sample's position, (K,)."""
    failure: Exception | None = None
    ended: bool = False
    """Nothing more is done for it: it is answered, or nobody waits for the answer."""
    taken: int = 0
    """Samples that were handed out to be decoded: the first so many of the request."""
    samples: int = field(init=False)
    """Of the request."""
    decoding: set[int] = field(default_factory=set)
    """Positions of the samples that are being decoded."""
    failed_at: int = field(init=False)
    """Position of the first sample that failed; behind the last one where none did."""

    def __post_init__(self) -> None:
        """Begin with nothing done."""
        self.samples = self.failed_at = len(self.sources)

    @property
    def left(self) -> int:
        """Return how many samples have no logits yet."""
        return self.samples - len(self.logits)

    @property
    def undecoded(self) -> bool:
        """Tell whether there are samples to hand out."""
        return not self.ended and self.failure is None and bool(self.sources)

    def fail(self, position: int, error: Exception) -> None:
        """Take an error of one sample; of several, the one that stands first in the request is told."""
        if position < self.failed_at:
            self.failed_at, self.failure = position, error

    def decided(self) -> bool:
        """Tell whether it is known what to answer.

        Samples are handed out in their order: with a failure, only those before it that are still being decoded could
        fail, too.
        """
        if self.failure is not None:
            return all(position > self.failed_at for position in self.decoding)
        return self.left == 0


@dataclass(frozen=True, eq=False)
class Row:
    """A decoded sample that waits for the network."""

    job: Job
    position: int
    values: NDArray[Any]
    """As the pipeline made it."""
    length: int
    """As the pipeline measures it; others of its batch are padded to the longest."""
    waited: float
    """Seconds from the request's acceptance until it was taken to be decoded."""
    since: float
    """When it was decoded, by time.perf_counter()."""
