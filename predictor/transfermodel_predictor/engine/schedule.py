"""Who is served next; pure: no thread, no clock, no network. Its caller holds a lock.

Requests take turns, sample by sample: one image does not wait behind a request with 256. What waits already goes to the
network as one batch, as far as that takes no longer than a moment; no sample ever waits for one that may come.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.engine.jobs import Job, Row
from transfermodel_predictor.engine.pace import Pace
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

    def __init__(self, pace: Pace, workers: int) -> None:
        """Begin with none; pace: says how large batches may be; workers: that take work."""
        self._pace = pace
        self._free = workers
        self._turns: deque[Job] = deque()
        """Requests with samples to decode; the first one is next."""
        self._rows: deque[Row] = deque()
        """What waits for the network; of requests that have ended, too."""
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
        if self._rows and (not self._turns or len(self._rows) >= self._pace.gathered(self._rows[0].length)):
            return self._batch()
        if not self._turns:
            return None
        self._free -= 1
        job = self._turns.popleft()
        work = Decode(job, job.taken, job.sources.popleft())
        job.taken += 1
        job.decoding.add(work.position)
        if job.undecoded:
            self._turns.append(job)
        return work

    def decoded(self, work: Decode, row: Row) -> list[Job]:
        """Take a decoded sample; return the requests that are over by that."""
        self._free += 1
        work.job.decoding.discard(work.position)
        self._rows.append(row)
        return self._ended(work.job)

    def undecodable(self, work: Decode, error: Exception) -> list[Job]:
        """Take the reason why a sample cannot be decoded; return the requests that are over by that."""
        self._free += 1
        work.job.decoding.discard(work.position)
        work.job.fail(work.position, error)
        return self._ended(work.job)

    def inferred(self, work: Infer, outcomes: Sequence[NDArray[np.float32] | Exception]) -> list[Job]:
        """Take the logits (K,) of each row, or what went wrong with it; return the requests that are over by that."""
        self._free += 1
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

    def _batch(self) -> Infer:
        """Take rows of about the same length as the first one; the others keep their places.

        Where nothing is left to decode, workers that are free take their share of the rows at the same time.
        """
        share = len(self._rows) if self._turns else ceil(len(self._rows) / self._free)
        self._free -= 1
        shortest = longest = self._rows[0].length
        rows: list[Row] = []
        passed: list[Row] = []
        while self._rows and len(rows) < min(share, self._pace.batch_limit(longest)):
            row = self._rows.popleft()
            if row.job.ended:
                continue
            lengths = min(shortest, row.length), max(longest, row.length)
            if lengths[1] > ALIKE * lengths[0] or len(rows) >= self._pace.batch_limit(lengths[1]):
                passed.append(row)
                continue
            shortest, longest = lengths
            rows.append(row)
        self._rows.extendleft(reversed(passed))
        return Infer(rows)
