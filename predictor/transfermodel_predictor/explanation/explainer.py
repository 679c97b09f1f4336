"""Explanations of answers, in small batches between the requests of others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from transfermodel_predictor.explanation.views import View, view_of
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.protocol.errors import Overloaded
from transfermodel_predictor.protocol.explain import Options
from transfermodel_predictor.protocol.sources import EncodedSample
from transfermodel_predictor.service import Service

BATCH: Final = 8
"""Samples that are asked for at once: what a prediction waits for an explanation."""
WAITING: Final = 4
"""Explanations that may wait for the one in work."""


@dataclass(frozen=True)
class Explained:
    """What is answered for one sample."""

    prediction: Prediction
    explanation: dict[str, Any]


class Explainer:
    """Makes one explanation at a time: each is many inferences, and predictions come first."""

    def __init__(self, service: Service) -> None:
        """Take what answers."""
        self._service = service
        self._one = asyncio.Lock()
        self._waiting = 0

    async def explain(
        self, samples: Sequence[EncodedSample], options: Options, go_on: Callable[[], Awaitable[None]]
    ) -> list[Explained]:
        """Return an explanation per sample; go_on: awaited between batches, raises where nobody wants it any more.

        Raises:
            RequestInvalid: A sample cannot be decoded, or has no parts.
            Overloaded: Too many wait already.
        """
        if self._waiting > WAITING:
            raise Overloaded(f"{WAITING} explanations wait already, and one is made at a time; ask again later.")
        self._waiting += 1
        try:
            async with self._one:
                classifier = self._service.classifier
                # All of them first: a sample that is wrong is told before much was done for the others.
                views = [await self._service.read(view_of, sample, classifier, options.grid) for sample in samples]
                return [await self._explained(view, options, go_on) for view in views]
        finally:
            self._waiting -= 1

    async def _explained(self, view: View, options: Options, go_on: Callable[[], Awaitable[None]]) -> Explained:
        (prediction,) = await self._service.predict([view.whole()])
        label = prediction.label if options.label is None else options.label
        left = []
        for first in range(0, view.cells, BATCH):
            await go_on()
            cells = range(first, min(first + BATCH, view.cells))
            left += [answer.probabilities[label] for answer in await self._service.predict([*map(view.without, cells)])]
        probability = prediction.probabilities[label]
        saliency = probability - np.asarray(left, np.float64)
        told = await self._service.read(view.told, saliency, overlay=options.overlay)
        return Explained(prediction, {"label": label, "probability": probability, "method": "occlusion"} | told)
