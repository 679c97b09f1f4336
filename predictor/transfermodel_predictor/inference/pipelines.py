"""From encoded bytes to the network's input, by modality: a sample is decoded, made a row of fixed shape, then batched.

The trainer keeps rows, and feeds its network what `feeds` would feed the graph: what is measured is what is served.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.artifact.description import ImagePreprocessing, Preprocessing, TextPreprocessing
from transfermodel_predictor.artifact.names import TOKENIZER
from transfermodel_predictor.inference.budget import Budget
from transfermodel_predictor.inference.decode import decode_image
from transfermodel_predictor.inference.limits import DEFAULT, SampleLimits
from transfermodel_predictor.inference.preprocess import needed_size, normalise, resize_and_crop


class Pipeline(Protocol):
    """What is done to samples of one modality; may be used from several threads at once."""

    shape: tuple[int, ...]
    """Of a row."""
    dtype: np.dtype[Any]
    """Of a row."""

    def decode(self, data: bytes) -> Any:
        """Return the sample in an encoded file. Raises UnreadableSample."""

    def row(self, decoded: Any) -> NDArray[Any]:
        """Return the sample as compact numbers of the fixed shape, which may be kept."""

    def length(self, row: NDArray[Any]) -> int:
        """Return how long a row is: the rows of a batch are padded to the longest of them; 1 where all are alike."""

    def feeds(self, rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the graph's inputs by name for rows (N, *shape), N >= 1."""

    def blank(self) -> list[Any]:
        """Return a few decoded samples without content, to warm up with."""


class ImagePipeline:
    """An RGB image; its row is its pixels, (3, S, S) uint8."""

    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, preprocessing: ImagePreprocessing, limits: SampleLimits = DEFAULT) -> None:
        """Take what is done to images."""
        self.preprocessing = preprocessing
        self.limits = limits
        # However many threads there are, no more than two of the largest images are decoded at once.
        self._pixels = Budget(2 * limits.image_pixels)
        self.shape: tuple[int, ...] = (3, preprocessing.size, preprocessing.size)

    def decode(self, data: bytes) -> Image.Image:
        """Return an encoded image as RGB, as large as it is needed at least. Raises UnreadableSample."""
        return decode_image(
            data, self.limits.image_pixels, lambda size: needed_size(size, self.preprocessing), self._pixels
        )

    def row(self, decoded: Image.Image) -> NDArray[np.uint8]:
        """Return its pixels, resized and cropped."""
        return np.ascontiguousarray(resize_and_crop(decoded, self.preprocessing).transpose(2, 0, 1))

    def length(self, row: NDArray[np.uint8]) -> int:
        """Return 1: images have one size."""
        return 1

    def feeds(self, rows: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """Return images (N, 3, S, S) float32."""
        return {"images": normalise(rows, self.preprocessing)}

    def blank(self) -> list[Image.Image]:
        """Return a black image as PNG and as JPEG would bring it: so both decoders are imported, too."""
        return [self.decode(data) for data in blank_images(self.preprocessing.size)]


NEEDED_FILES: Final[Mapping[str, tuple[str, ...]]] = {"Image": (), "Text": (TOKENIZER,), "Audio": ()}
"""By modality: the artifact's files that its pipeline is made from, beside model.json."""


def pipeline_of(preprocessing: Preprocessing, files: Mapping[str, bytes], limits: SampleLimits = DEFAULT) -> Pipeline:
    """Return the pipeline of a model's preprocessing; files: those that it needs, by name.

    Raises:
        ArtifactMalformed: A file cannot be read.
    """
    # The libraries for text and audio are imported where they are needed alone: images are what must start in no time.
    if isinstance(preprocessing, ImagePreprocessing):
        return ImagePipeline(preprocessing, limits)
    if isinstance(preprocessing, TextPreprocessing):
        from transfermodel_predictor.inference.text import TextPipeline

        return TextPipeline(preprocessing, files[TOKENIZER], limits)
    from transfermodel_predictor.inference.audio import AudioPipeline

    return AudioPipeline(preprocessing, limits)


def blank_images(size: int) -> list[bytes]:
    """Return a black image of size x size pixels as a PNG and as a JPEG file."""
    import io

    files = [io.BytesIO(), io.BytesIO()]
    for file, name in zip(files, ("PNG", "JPEG"), strict=True):
        Image.new("RGB", (size, size)).save(file, format=name)
    return [file.getvalue() for file in files]
