"""The whole way from encoded images to predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.inference.decode import decode_image
from transfermodel_predictor.inference.head import Prediction, predictions
from transfermodel_predictor.inference.preprocess import normalise, preprocess_batch
from transfermodel_predictor.inference.session import Session


class ImageClassifier:
    """A graph with its labels and preprocessing."""

    def __init__(self, description: ModelDescription, session: Session) -> None:
        """Keep both."""
        self.description = description
        self.session = session

    def logits(self, images: Sequence[bytes]) -> NDArray[np.float32]:
        """Return (N, K) for N encoded images.

        Raises:
            UnreadableImage: one of them cannot be decoded.
        """
        decoded = [decode_image(image) for image in images]
        return self.session.logits(preprocess_batch(decoded, self.description.preprocessing))

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Return one Prediction per encoded image.

        Raises:
            UnreadableImage: one of them cannot be decoded.
        """
        return predictions(self.logits(images), self.description.labels)

    def predict_pixels(self, pixels: NDArray[Any]) -> list[Prediction]:
        """Return one Prediction per image of uint8 (N, H, W, 3), already resized and cropped."""
        return predictions(
            self.session.logits(normalise(pixels, self.description.preprocessing)), self.description.labels
        )

    def warm_up(self) -> None:
        """Run once, so that the first request does not pay for it."""
        size = self.description.preprocessing.size
        self.predict_pixels(np.zeros((1, size, size, 3), dtype=np.uint8))
