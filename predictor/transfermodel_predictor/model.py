"""The model that kserve's server serves; work runs in threads, so that the event loop stays free for probes."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

from kserve.model import Model

from transfermodel_predictor.configuration import Configuration
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.protocol import v1, v2
from transfermodel_predictor.protocol.forms import FORMS, SampleForm
from transfermodel_predictor.protocol.sources import Source, parse_json

CONCURRENCY: Final = 2
"""Requests in work at once: one decodes while one infers. More would only hold more samples in memory."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class V2Body:
    """An inference request of version 2, as it came."""

    body: bytes
    json_length: str | None


Payload = bytes | dict[str, Any] | V2Body


@dataclass(frozen=True)
class Parsed:
    """A request that was understood; `request` is None in version 1."""

    sources: list[Source]
    request: v2.InferenceRequest | None


class TransferModel(Model):  # type: ignore[misc] # kserve ships no types
    """One classifier; `ready` once it has been given."""

    def __init__(self, configuration: Configuration) -> None:
        """Take the name, and wait for the classifier."""
        super().__init__(configuration.model_name)
        self.configuration = configuration
        self.classifier: Classifier | None = None
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="inference")

    def serve(self, classifier: Classifier) -> None:
        """Be ready, with this classifier."""
        self.classifier = classifier
        self.ready = True

    def load(self) -> bool:
        """Load nothing: kserve calls this where a request comes before the model is ready."""
        return bool(self.ready)

    def metadata(self) -> dict[str, Any]:
        """Return what the model takes and gives."""
        configuration = self.configuration
        labels = self._loaded().labels
        return v2.metadata(self._form(), labels, self.name, configuration.version, configuration.artifact_digest)

    async def preprocess(self, payload: Payload, headers: Mapping[str, str] | None = None) -> Parsed:
        """Read the request.

        Raises:
            RequestInvalid: It cannot be read.
        """
        return await self._in_thread(self._parse, payload)

    async def predict(
        self, payload: Parsed, headers: Mapping[str, str] | None = None, response_headers: Any = None
    ) -> tuple[Parsed, list[Prediction]]:
        """Decode the samples and infer.

        Raises:
            RequestInvalid: A sample cannot be decoded.
        """
        return payload, await self._in_thread(self._classify, payload.sources)

    async def postprocess(
        self,
        result: tuple[Parsed, list[Prediction]],
        headers: Mapping[str, str] | None = None,
        response_headers: Any = None,
    ) -> dict[str, Any] | v2.InferenceResponse:
        """Write the answer in the request's protocol."""
        parsed, predictions = result
        configuration = self.configuration
        if parsed.request is None:
            return v1.answer(predictions, configuration.version)
        return v2.answer(parsed.request, predictions, self.name, configuration.version, configuration.artifact_digest)

    def _parse(self, payload: Payload) -> Parsed:
        form, limits = self._form(), self.configuration.limits
        if isinstance(payload, V2Body):
            request = v2.parse_request(payload.body, payload.json_length, form, limits)
            return Parsed(request.sources, request)
        document = parse_json(payload) if isinstance(payload, bytes) else payload
        return Parsed(list(v1.parse_request(document, form, limits)), None)

    def _classify(self, sources: list[Source]) -> list[Prediction]:
        classifier = self._loaded()
        return classifier.predict_decoded(source.decode(classifier.pipeline) for source in sources)

    def _form(self) -> SampleForm:
        return FORMS[self._loaded().description.preprocessing.modality]

    def _loaded(self) -> Classifier:
        if self.classifier is None:
            raise RuntimeError("asked before it was ready")
        return self.classifier

    async def _in_thread(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*arguments, **named))
