"""Threads that decode and infer. Each does whatever is next, so that none waits while there is work.

Decoders and the network run outside of Python's lock, so that all processors are used; what is left is microseconds.
They leave the processors to the event loop when it wakes, and none interrupts another.
"""

import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.configuration import QueueLimits
from transfermodel_predictor.cpus import batch_scheduled
from transfermodel_predictor.engine.admission import admit
from transfermodel_predictor.engine.jobs import Job, Row
from transfermodel_predictor.engine.pace import Pace
from transfermodel_predictor.engine.schedule import Decode, Infer, Schedule
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.observation.metrics import Metrics
from transfermodel_predictor.protocol.errors import NotReady


class Workers:
    """The threads of one classifier."""

    def __init__(
        self, classifier: Classifier, count: int, largest_batch: int, limits: QueueLimits, metrics: Metrics
    ) -> None:
        """Start them.

        Args:
            classifier: that answers.
            count: of threads: one for each processor.
            largest_batch: samples that go to the network at once, at most.
            limits: of what waits.
            metrics: take what was done.
        """
        self._classifier, self._limits, self._metrics = classifier, limits, metrics
        self._pace = Pace(count, largest_batch)
        self._schedule = Schedule(self._pace, count)
        self._changed = threading.Condition()
        """Its lock guards the pace and the schedule."""
        self._idle = 0
        self._closing = False
        # Daemons: a process that fails must not wait for them; `close` does.
        self._threads = [
            threading.Thread(target=self._run, name=f"inference-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, job: Job) -> None:
        """Accept a request with at least one sample.

        Raises:
            Overloaded: Too much is waiting already.
            NotReady: It is ending.
        """
        with self._changed:
            if self._closing:
                raise NotReady("The predictor is ending; ask again in a moment: another one answers then.")
            pace = self._pace.seconds_per_sample
            admit(job.samples, self._schedule.waiting(), pace, self._limits)
            self._schedule.add(job)
            self._changed.notify()

    def drop(self, job: Job) -> None:
        """Do nothing more for a request."""
        with self._changed:
            self._schedule.drop(job)

    def close(self) -> None:
        """End the threads when all that was accepted is answered."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with batch_scheduled():
            while (work := self._next()) is not None:
                if isinstance(work, Decode):
                    self._decode(work)
                else:
                    self._infer(work)

    def _next(self) -> Decode | Infer | None:
        """Wait for work; None: there will be none any more."""
        with self._changed:
            while (work := self._schedule.take()) is None:
                if self._closing:
                    return None
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            # One wakes the next: those that find nothing have cost a switch of threads.
            if self._idle and self._schedule.has_work:
                self._changed.notify()
            self._metrics.queued(self._schedule.rows)
            return work

    def _decode(self, work: Decode) -> None:
        begun, work_before = time.perf_counter(), time.thread_time()
        pipeline = self._classifier.pipeline
        try:
            decoded = work.source.decode(pipeline)
            unpacked = time.perf_counter()
            values = pipeline.row(decoded)
            length = pipeline.length(values)
        except Exception as error:
            with self._changed:
                over = self._schedule.undecodable(work, error)
            self._tell(over)
            return
        ended = time.perf_counter()
        self._metrics.phase_took("decode", unpacked - begun, work.job.records)
        self._metrics.phase_took("preprocess", ended - unpacked, work.job.records)
        row = Row(work.job, work.position, values, length, begun - work.job.since, ended)
        with self._changed:
            self._pace.decoded(ended - begun, time.thread_time() - work_before)
            over = self._schedule.decoded(work, row)
        self._tell(over)

    def _infer(self, work: Infer) -> None:
        begun = time.perf_counter()
        for row in work.rows:
            self._metrics.phase_took("queue", row.waited + begun - row.since, row.job.records)
        work_before = time.thread_time()
        outcomes = self._outcomes(work.rows)
        took, seconds = time.thread_time() - work_before, time.perf_counter() - begun
        records = {id(record): record for row in work.rows for record in row.job.records}
        self._metrics.phase_took("infer", seconds, records.values())
        self._metrics.batch(len(work.rows))
        with self._changed:
            self._pace.inferred(seconds, took, len(work.rows), max(row.length for row in work.rows))
            over = self._schedule.inferred(work, outcomes)
        self._tell(over)

    def _tell(self, over: Sequence[Job]) -> None:
        for job in over:
            job.over(job)

    def _outcomes(self, rows: Sequence[Row]) -> list[NDArray[np.float32] | Exception]:
        """Return the logits (K,) of each row; where a batch fails, of each one alone, so that it fails for itself."""
        try:
            logits = self._classifier.logits_of_rows(np.stack([row.values for row in rows]))
            return [of_row for _, of_row in zip(rows, logits, strict=True)]
        except Exception as error:  # ONNX Runtime's errors share no base class but Exception
            if len(rows) == 1:
                return [error]
            return [outcome for row in rows for outcome in self._outcomes([row])]
