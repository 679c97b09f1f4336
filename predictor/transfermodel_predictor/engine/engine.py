"""Answers for the samples of many requests at once, while the event loop stays free for probes."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, ParamSpec, TypeVar

import numpy as np

from transfermodel_predictor.configuration import QueueLimits
from transfermodel_predictor.engine.jobs import Job
from transfermodel_predictor.engine.workers import Workers
from transfermodel_predictor.inference.classifier import CHUNK, Classifier
from transfermodel_predictor.inference.head import Prediction, predictions
from transfermodel_predictor.observation.metrics import Metrics
from transfermodel_predictor.observation.request_record import current_requests
from transfermodel_predictor.protocol.errors import NotReady
from transfermodel_predictor.protocol.sources import Source

READERS: Final = 2
"""Bodies that are read at once: more would only hold more of them in memory."""
QUICKLY_READ_BYTES: Final = 1 << 17
"""A body up to this is read at once: it takes less time than a switch of threads there and back."""

P = ParamSpec("P")
T = TypeVar("T")


class Engine:
    """Reads bodies and answers for samples, each in threads of their own."""

    def __init__(self, metrics: Metrics, limits: QueueLimits, largest_batch: int = CHUNK) -> None:
        """Take what it may hold; nothing is started before there is a classifier.

        Args:
            metrics: take what is done.
            limits: of what waits.
            largest_batch: samples that go to the network at once, at most; 1: each alone.
        """
        self._metrics, self._limits, self._largest_batch = metrics, limits, largest_batch
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reading")
        self._workers: Workers | None = None
        self._labels: Sequence[str] = ()

    def start(self, classifier: Classifier, threads: int) -> None:
        """Take samples from now on; threads: that decode and infer."""
        self._labels = classifier.labels
        self._workers = Workers(classifier, threads, self._largest_batch, self._limits, self._metrics)

    async def run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Return what a function makes of its arguments; in another thread, unless they are a few bytes to be read."""
        sizes = [len(argument) for argument in arguments if isinstance(argument, bytes)]
        if sizes and sum(sizes) <= QUICKLY_READ_BYTES:
            return function(*arguments, **named)
        work = partial(function, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def predict(self, sources: Sequence[Source]) -> list[Prediction]:
        """Return one prediction per sample, in their order; where the caller is cancelled, the rest is left undone.

        Raises:
            RequestInvalid: A sample cannot be decoded.
            Overloaded: Too much is waiting already.
            NotReady: There is no classifier yet, or it is ending.
        """
        if self._workers is None:
            raise NotReady("The model is still loading; ask again in a moment.")
        if not sources:
            return []
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Prediction]] = loop.create_future()

        def over(job: Job) -> None:
            outcome = job.failure or self._predictions(job)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, answer, outcome)

        job = Job(deque(sources), over, current_requests(), time.perf_counter())
        self._workers.add(job)
        try:
            with self._metrics.in_progress.track_inprogress():
                return await answer
        except asyncio.CancelledError:
            self._workers.drop(job)
            raise

    def _predictions(self, job: Job) -> list[Prediction] | Exception:
        try:
            logits = np.stack([job.logits[position] for position in range(job.samples)])
            return predictions(logits, self._labels)
        except Exception as error:  # told where somebody waits for it, instead of ending the worker
            return error

    async def close(self) -> None:
        """Answer what was accepted, then end the threads."""
        if self._workers is not None:
            await asyncio.to_thread(self._workers.close)
        await asyncio.to_thread(self._readers.shutdown)


def settle(answer: "asyncio.Future[list[Prediction]]", outcome: list[Prediction] | Exception) -> None:
    """Give the answer to whoever waits for it."""
    if answer.done():  # cancelled: the client is gone
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
