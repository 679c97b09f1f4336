"""A sample as the model sees it, with parts that can be left out one at a time."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.artifact.description import ImagePreprocessing, TextPreprocessing
from transfermodel_predictor.explanation.images import ImageView
from transfermodel_predictor.explanation.texts import TextView
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.protocol.sources import DecodedSample, EncodedSample


class View(Protocol):
    """Of one sample."""

    cells: int
    """Parts that it has."""

    def whole(self) -> DecodedSample:
        """Return the sample with all of its parts; it is answered as what was sent would be."""

    def without(self, cell: int) -> DecodedSample:
        """Return it without one part."""

    def told(self, saliency: NDArray[np.float64], *, overlay: bool) -> dict[str, Any]:
        """Return what the answer says of the parts; saliency (cells,); overlay: with a picture of it."""


def view_of(sample: EncodedSample, classifier: Classifier, grid: int) -> View:
    """Return the view of a sample; grid: how finely.

    Raises:
        RequestInvalid: It cannot be decoded, or has no parts.
    """
    decoded, preprocessing = sample.decode(classifier.pipeline), classifier.description.preprocessing
    if isinstance(preprocessing, ImagePreprocessing):
        return ImageView(decoded, preprocessing, grid)
    if isinstance(preprocessing, TextPreprocessing):
        return TextView(sample.place, decoded, preprocessing, grid)
    # What reads audio is not there yet where a model takes something else.
    from transfermodel_predictor.explanation.sounds import SoundView

    return SoundView(decoded, preprocessing, grid)
