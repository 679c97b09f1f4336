"""Threads that decode and infer, so that the event loop stays free for probes."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.observation.metrics import Metrics
from transfermodel_predictor.observation.request_record import RequestRecord, current_requests
from transfermodel_predictor.protocol.sources import Source

CONCURRENCY: Final = 2
"""Requests in work at once: one decodes while one infers. More would only hold more samples in memory."""

P = ParamSpec("P")
T = TypeVar("T")


class Engine:
    """Answers for samples, of several requests at a time."""

    def __init__(self, metrics: Metrics) -> None:
        """Make the threads' pool; they start when there is work."""
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="inference")

    async def run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Return what a function returns, which runs in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*arguments, **named))

    async def predict(self, classifier: Classifier, sources: Sequence[Source]) -> list[Prediction]:
        """Decode the samples and infer.

        Raises:
            RequestInvalid: A sample cannot be decoded.
        """
        with self._metrics.in_progress.track_inprogress():
            return await self.run(self._predict, classifier, sources, current_requests())

    def _predict(
        self, classifier: Classifier, sources: Sequence[Source], requests: Sequence[RequestRecord]
    ) -> list[Prediction]:
        with self._metrics.phase("infer", requests):
            return classifier.predict_decoded(source.decode(classifier.pipeline) for source in sources)

    async def close(self) -> None:
        """Finish what was begun, then end the threads."""
        await asyncio.to_thread(self._pool.shutdown)
