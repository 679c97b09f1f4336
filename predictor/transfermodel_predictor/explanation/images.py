"""Images: squares of what the model sees are covered with grey.

Zeiler and Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2 (occlusion sensitivity).
"""

import base64
import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_predictor.inference.preprocess import resize_and_crop
from transfermodel_predictor.protocol.sources import DecodedSample

FOR: Final = (215, 25, 28)
AGAINST: Final = (44, 123, 182)
"""Colours of an overlay; both are told apart by people who do not tell red from green."""
FLAT: Final = 1e-9
"""Of a map whose strongest place is not above it, nothing is shown."""
OPACITY: Final = 0.7
"""Of an overlay where it is strongest."""


class ImageView:
    """The square that the network gets."""

    def __init__(self, image: Image.Image, preprocessing: ImagePreprocessing, grid: int) -> None:
        """Scale and crop it as for a prediction."""
        self.preprocessing = preprocessing
        self.pixels = resize_and_crop(image, preprocessing)
        self.grid = min(grid, preprocessing.size)
        self.cells = self.grid**2
        self._edges = np.linspace(0, preprocessing.size, self.grid + 1).round().astype(int)
        # The network's zero: neither dark nor bright.
        self._grey = np.rint(np.multiply(preprocessing.mean, 255)).clip(0, 255).astype(np.uint8)
        self._box = seen(image.size, preprocessing)

    def whole(self) -> DecodedSample:
        """Return the square."""
        return DecodedSample(lambda: self._canvas(self.pixels))

    def without(self, cell: int) -> DecodedSample:
        """Return it with a smaller square covered, counted from the upper left, row by row."""

        def covered() -> Image.Image:
            row, column = divmod(cell, self.grid)
            pixels, edges = self.pixels.copy(), self._edges
            pixels[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = self._grey
            return self._canvas(pixels)

        return DecodedSample(covered)

    def told(self, saliency: NDArray[np.float64], *, overlay: bool) -> dict[str, Any]:
        """Return the map, and where in the image it lies."""
        rows = saliency.reshape(self.grid, self.grid)
        left, top, width, height = self._box
        told: dict[str, Any] = {
            "grid": [self.grid, self.grid],
            "saliency": rows.tolist(),
            "box": {"left": left, "top": top, "width": width, "height": height},
        }
        if overlay:
            told["overlay"] = {"b64": base64.b64encode(self._overlay(rows)).decode()}
        return told

    def _canvas(self, pixels: NDArray[np.uint8]) -> Image.Image:
        """Return an image that is scaled and cropped to just these pixels."""
        size, side = self.preprocessing.size, self.preprocessing.resize_to or self.preprocessing.size
        canvas = Image.new("RGB", (side, side))
        corner = round((side - size) / 2.0)
        canvas.paste(Image.fromarray(np.ascontiguousarray(pixels)), (corner, corner))
        return canvas

    def _overlay(self, saliency: NDArray[np.float64]) -> bytes:
        """Return a PNG file of the square, tinted where it speaks for the label, and where against it."""
        size = self.preprocessing.size
        strength = saliency / max(float(np.abs(saliency).max()), FLAT)
        smooth = Image.fromarray(strength.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR)
        values = np.asarray(smooth)[:, :, None].clip(-1, 1)
        opacity = np.abs(values) * OPACITY
        tinted = self.pixels * (1 - opacity) + np.where(values > 0, FOR, AGAINST) * opacity
        file = io.BytesIO()
        Image.fromarray(np.rint(tinted).astype(np.uint8)).save(file, format="PNG")
        return file.getvalue()


def seen(size: tuple[int, int], preprocessing: ImagePreprocessing) -> tuple[float, float, float, float]:
    """Return what the network sees of an image of (width, height): left, top, width and height, in shares of it."""
    if preprocessing.resize == "Exact":
        return 0.0, 0.0, 1.0, 1.0
    side = min(size) * preprocessing.size / (preprocessing.resize_to or preprocessing.size)
    width, height = side / size[0], side / size[1]
    return (1 - width) / 2, (1 - height) / 2, width, height
