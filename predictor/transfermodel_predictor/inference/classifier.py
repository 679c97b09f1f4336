"""The whole way from encoded images to answers."""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.inference.decode import decode_image
from transfermodel_predictor.inference.head import Prediction, predictions
from transfermodel_predictor.inference.preprocess import normalise, resize_and_crop
from transfermodel_predictor.inference.session import Session

CHUNK: Final = 16
"""Images per call of the network: memory does not grow with the number of images in a request."""


class ImageClassifier:
    """A described, loaded model; may be used from several threads at once."""

    def __init__(self, description: ModelDescription, session: Session) -> None:
        """Put both together.

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

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return self.description.labels

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Answer for encoded images.

        Raises:
            UnreadableImage: One of them cannot be decoded.
        """
        return self.predict_images(decode_image(data) for data in images)

    def predict_images(self, images: Iterable[Image.Image]) -> list[Prediction]:
        """Answer for RGB images; of an iterator, one image is held at a time."""
        return predictions(self.logits(images), self.labels)

    def logits(self, images: Iterable[Image.Image]) -> NDArray[np.float32]:
        """Return logits (N, K) for N RGB images."""
        preprocessing = self.description.preprocessing
        pixels = (resize_and_crop(image, preprocessing) for image in images)
        parts = [self.session.logits(normalise(np.stack(chunk), preprocessing)) for chunk in chunks(pixels)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.labels)), np.float32)

    def warm_up(self) -> None:
        """Answer for one image, so that the first request finds decoders imported and buffers allocated.

        Raises:
            ArtifactMalformed: The graph cannot answer.
        """
        size = self.description.preprocessing.size
        files = [io.BytesIO(), io.BytesIO()]
        for file, name in zip(files, ("PNG", "JPEG"), strict=True):
            Image.new("RGB", (size, size)).save(file, format=name)
        try:
            shape = self.logits(decode_image(file.getvalue()) for file in files).shape
        except Exception as error:  # ONNX Runtime's errors share no base class but Exception
            raise ArtifactMalformed(f"model.onnx fails on a plain image: {error}. Train the model again.") from error
        if shape != (2, len(self.labels)):
            raise ArtifactMalformed(
                f"model.onnx answers two images with the shape {shape}, but there are {len(self.labels)} labels. "
                "Train the model again."
            )


def chunks(pixels: Iterator[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.uint8]]]:
    """Yield lists of at most CHUNK."""
    while chunk := list(islice(pixels, CHUNK)):
        yield chunk
