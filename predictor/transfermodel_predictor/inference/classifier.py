"""The whole way from encoded samples to answers."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.inference.devices import Device
from transfermodel_predictor.inference.head import Prediction, predictions
from transfermodel_predictor.inference.pipelines import Pipeline
from transfermodel_predictor.inference.session import Session

CHUNK: Final = 16
"""Samples per call of the network: memory does not grow with the number of samples in a request."""


class Classifier:
    """A described, loaded model; may be used from several threads at once."""

    def __init__(self, description: ModelDescription, session: Session, pipeline: Pipeline) -> None:
        """Put them together.

        Raises:
            ArtifactMalformed: They do not have the same number of classes.
        """
        if session.classes not in (None, len(description.labels)):
            raise ArtifactMalformed(
                f"model.onnx has {session.classes} outputs, model.json {len(description.labels)} labels. "
                "Train the model again."
            )
        self.description = description
        self.session = session
        self.pipeline = pipeline

    @property
    def device(self) -> Device:
        """What it computes on."""
        return self.session.device

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return self.description.labels

    def predict(self, samples: Sequence[bytes]) -> list[Prediction]:
        """Answer for encoded samples.

        Raises:
            UnreadableSample: One of them cannot be decoded.
        """
        return self.predict_decoded(self.pipeline.decode(data) for data in samples)

    def predict_decoded(self, samples: Iterable[Any]) -> list[Prediction]:
        """Answer for samples as the pipeline decodes them; of an iterator, one sample is held at a time."""
        return predictions(self.logits(samples), self.labels)

    def logits(self, samples: Iterable[Any]) -> NDArray[np.float32]:
        """Return logits (N, K) for N samples as the pipeline decodes them."""
        rows = (self.pipeline.row(sample) for sample in samples)
        parts = [self.logits_of_rows(np.stack(chunk)) for chunk in chunks(rows)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.labels)), np.float32)

    def logits_of_rows(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Return logits (N, K) for rows (N, …) as the pipeline makes them, in one call of the network."""
        return self.session.logits(self.pipeline.feeds(rows))

    def warm_up(self) -> None:
        """Answer for something, so that the first request finds decoders imported and buffers allocated.

        Raises:
            ArtifactMalformed: The graph cannot answer.
        """
        # All of them were decoded; one goes through the network, as of a lone request: more would only take longer.
        blank = self.pipeline.blank()[-1:]
        try:
            shape = self.logits(blank).shape
        except Exception as error:  # ONNX Runtime's errors share no base class but Exception
            raise ArtifactMalformed(
                f"model.onnx fails on a sample without content: {error}. Train the model again."
            ) from error
        if shape != (1, len(self.labels)):
            raise ArtifactMalformed(
                f"model.onnx answers a sample with the shape {shape}, but there are {len(self.labels)} labels. "
                "Train the model again."
            )


def chunks(rows: Iterator[NDArray[Any]]) -> Iterator[list[NDArray[Any]]]:
    """Yield lists of at most CHUNK."""
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
