"""The whole way from encoded images to answers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.inference.decode import decode_image
from transfermodel_predictor.inference.head import Prediction, predictions
from transfermodel_predictor.inference.preprocess import preprocess_batch
from transfermodel_predictor.inference.session import Session


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
        """Answer for N >= 1 encoded images.

        Raises:
            UnreadableImage: One of them cannot be decoded.
        """
        return self.predict_images([decode_image(data) for data in images])

    def predict_images(self, images: Sequence[Image.Image]) -> list[Prediction]:
        """Answer for N >= 1 decoded RGB images."""
        return predictions(self.logits(images), self.labels)

    def logits(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return logits (N, K) for N >= 1 decoded RGB images."""
        return self.session.logits(preprocess_batch(images, self.description.preprocessing))

    def warm_up(self) -> None:
        """Run one inference, so that the first request finds every buffer allocated."""
        size = self.description.preprocessing.size
        logits = self.logits([Image.new("RGB", (size, size))])
        if logits.shape != (1, len(self.labels)):
            raise ArtifactMalformed(
                f"model.onnx answers one image with the shape {logits.shape}, but there are {len(self.labels)} labels. "
                "Train the model again."
            )
