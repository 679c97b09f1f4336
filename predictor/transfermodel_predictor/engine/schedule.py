"""Who is served next; pure: no thread, no clock, no network. Its caller holds a lock.

Requests take turns, sample by sample, so that one image does not wait behind a request with 256. What was decoded while
the network was busy goes to it as one batch: nothing ever waits for a batch to fill.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.engine.jobs import Job, Row
from transfermodel_predictor.protocol.sources import Source

ALIKE: Final = 2
"""Rows share a batch as long as the longest is at most so many times as long as the shortest: what is padded is paid
for, too."""


@dataclass(frozen=True)
class Decode:
    """Decode and preprocess one sample."""

    job: Job
    position: int
    source: Source


@dataclass(frozen=True)
class Infer:
    """Run the network on some rows, at least one."""

    rows: Sequence[Row]


class Schedule:
    """The accepted requests."""

    def __init__(self, batch_limit: Callable[[int], int]) -> None:
        """Begin with none; batch_limit: how many rows of this length may go to the network at once, at least 1."""
        self._batch_limit = batch_limit
        self._turns: deque[Job] = deque()
        """Requests with samples to decode; the first one is next."""
        self._rows: deque[Row] = deque()
        """What waits for the network; of requests that have ended, too."""
        self._inferring = 0
        self._jobs: set[Job] = set()

    def add(self, job: Job) -> None:
        """Accept a request with at least one sample."""
        self._jobs.add(job)
        self._turns.append(job)

    def drop(self, job: Job) -> None:
        """Do nothing more for a request: nobody waits for its answer."""
        job.ended = True
        job.sources.clear()
        self._jobs.discard(job)

    def waiting(self) -> Iterator[int]:
        """Yield how many samples of each request are not answered yet."""
        return (job.left for job in self._jobs)

    @property
    def rows(self) -> int:
        """How many decoded samples wait for the network, at most."""
        return len(self._rows)

    @property
    def has_work(self) -> bool:
        """Tell whether `take` may have something; perhaps only of requests that have ended."""
        return bool(self._rows or self._turns)

    def take(self) -> Decode | Infer | None:
        """Return what a free worker is to do now; what it did comes back by `decoded`, `undecodable` or `inferred`."""
        while self._rows and self._rows[0].job.ended:
            self._rows.popleft()
        while self._turns and not self._turns[0].undecoded:
            self._turns.popleft()
        if self._rows and (not self._inferring or not self._turns or self._full()):
            return self._batch()
        if not self._turns:
            return None
        job = self._turns.popleft()
        work = Decode(job, job.taken, job.sources.popleft())
        job.taken += 1
        job.decoding.add(work.position)
        if job.undecoded:
            self._turns.append(job)
        return work

    def decoded(self, work: Decode, row: Row) -> list[Job]:
        """Take a decoded sample; return the requests that are over by that."""
        work.job.decoding.discard(work.position)
        self._rows.append(row)
        return self._ended(work.job)

    def undecodable(self, work: Decode, error: Exception) -> list[Job]:
        """Take the reason why a sample cannot be decoded; return the requests that are over by that."""
        work.job.decoding.discard(work.position)
        work.job.fail(work.position, error)
        return self._ended(work.job)

    def inferred(self, work: Infer, outcomes: Sequence[NDArray[np.float32] | Exception]) -> list[Job]:
        """Take the logits (K,) of each row, or what went wrong with it; return the requests that are over by that."""
        self._inferring -= 1
        over: list[Job] = []
        for row, outcome in zip(work.rows, outcomes, strict=True):
            if isinstance(outcome, Exception):
                row.job.fail(row.position, outcome)
            else:
                row.job.logits[row.position] = outcome
            over += self._ended(row.job)
        return over

    def _ended(self, job: Job) -> list[Job]:
        if job.ended or not job.decided():
            return []
        self.drop(job)
        return [job]

    def _full(self) -> bool:
        return len(self._rows) >= self._batch_limit(self._rows[0].length)

    def _batch(self) -> Infer:
        """Take rows of about the same length as the first one; the others keep their places."""
        shortest = longest = self._rows[0].length
        rows: list[Row] = []
        passed: list[Row] = []
        while self._rows and len(rows) < self._batch_limit(longest):
            row = self._rows.popleft()
            if row.job.ended:
                continue
            lengths = min(shortest, row.length), max(longest, row.length)
            if lengths[1] > ALIKE * lengths[0] or len(rows) >= self._batch_limit(lengths[1]):
                passed.append(row)
                continue
            shortest, longest = lengths
            rows.append(row)
        self._rows.extendleft(reversed(passed))
        self._inferring += 1
        return Infer(rows)
