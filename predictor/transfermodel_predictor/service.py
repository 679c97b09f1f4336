"""One model as HTTP, gRPC and kserve see it: its name, whether it is ready, what it takes, and its predictions."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from transfermodel_predictor.configuration import Configuration, Limits
from transfermodel_predictor.cpus import thread_count
from transfermodel_predictor.engine.engine import Engine
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.observation.metrics import Metrics
from transfermodel_predictor.observation.observer import Observer
from transfermodel_predictor.observation.request_record import note_samples
from transfermodel_predictor.observation.startup import STARTUP
from transfermodel_predictor.protocol import v2
from transfermodel_predictor.protocol.errors import NotReady, UnknownModel
from transfermodel_predictor.protocol.forms import FORMS, SampleForm
from transfermodel_predictor.protocol.sources import Source

P = ParamSpec("P")
T = TypeVar("T")


class Service:
    """Listens before it is ready: the classifier comes later."""

    def __init__(self, configuration: Configuration) -> None:
        """Take the name, and wait for the classifier."""
        self.name = configuration.model_name
        self.version = configuration.version
        self.digest = configuration.artifact_digest
        self.precision = configuration.precision
        self.limits: Limits = configuration.limits
        self.metrics = Metrics(self.name, self.version, self.digest, configuration.precision)
        self.observer = Observer(self.metrics, access_log=configuration.access_log)
        self._threads = configuration.threads
        self._engine = Engine(self.metrics, configuration.queue, configuration.largest_batch)
        self._classifier: Classifier | None = None
        self._ending = False
        self._settled = asyncio.Event()

    def serve(self, classifier: Classifier) -> None:
        """Be ready, with this classifier; on the event loop, or before there is one."""
        self._engine.start(classifier, self._threads or thread_count())
        self._classifier = classifier
        self.metrics.computes_on(classifier.device.name, classifier.device.wanted)
        self._settled.set()
        STARTUP.ready()

    def end(self) -> None:
        """Say from now on that others should be asked; requests are answered all the same."""
        self._ending = True
        self._settled.set()

    async def settled(self, seconds: float) -> None:
        """Wait while it is loading, so many seconds at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), seconds)

    @property
    def ready(self) -> bool:
        """Tell whether requests are answered, and will be for a while."""
        return self._classifier is not None and not self._ending

    def check_ready(self) -> None:
        """Raise NotReady unless it is ready."""
        self.classifier  # noqa: B018 - raises
        if self._ending:
            raise NotReady(f"The predictor of {self.name!r} is ending; another one answers in a moment.")

    @property
    def classifier(self) -> Classifier:
        """Return it.

        Raises:
            NotReady: It is still loading.
        """
        if self._classifier is None:
            raise NotReady(f"The model {self.name!r} is still loading; ask again in a moment.")
        return self._classifier

    @property
    def form(self) -> SampleForm:
        """Return what a sample looks like. Raises NotReady."""
        return FORMS[self.classifier.description.preprocessing.modality]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels, in the order of the probabilities. Raises NotReady."""
        return self.classifier.labels

    def check(self, model_name: str, version: str | None = None) -> None:
        """Raise unless it is this model, this version, and ready.

        Raises:
            UnknownModel: There is no such model, or no such version of it.
            NotReady: It is still loading.
        """
        if model_name != self.name:
            raise UnknownModel(f"There is no model {model_name[:80]!r} here; the model is {self.name!r}.")
        if version is not None and version != self.version:
            raise UnknownModel(
                f"There is no version {version[:80]!r} of {model_name!r} here; it serves {self.version!r}."
            )
        self.classifier  # noqa: B018 - raises

    def metadata(self) -> dict[str, Any]:
        """Return what the model takes and gives, as version 2 tells it. Raises NotReady."""
        described = v2.metadata(self.form, self.labels, self.name, self.version, self.digest, self.precision)
        device = self.classifier.device
        described["parameters"] |= {"device": device.name}
        if device.warning:
            described["parameters"] |= {"deviceWarning": device.warning}
        return described

    async def read(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Return what a function makes of a body, off the event loop where that has more than a few bytes."""
        return await self._engine.run(function, *arguments, **named)

    async def predict(self, sources: Sequence[Source]) -> list[Prediction]:
        """Return one prediction per sample, in their order; where the caller is cancelled, the rest is left undone.

        Raises:
            RequestInvalid: A sample cannot be decoded.
            Overloaded: Too much is waiting already.
            NotReady: It is still loading, or ending.
        """
        note_samples(len(sources))
        return await self._engine.predict(sources)

    async def close(self) -> None:
        """Answer what was accepted, and end."""
        await self._engine.close()
