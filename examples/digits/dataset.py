"""scikit-learn's handwritten digits as PNG files of 32 x 32 pixels, made hard enough that transfer matters.

The 8 x 8 scans as they are show nothing: an untrained network does as well on them as a trained one. So each scan is
drawn at a random place, at 60 to 80 % of the frame, and half of the drawings are inverted. Everything is seeded: every
call makes the same bytes, and a second upload changes nothing.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

Files = dict[str, bytes]
"""Path below the data's folder, <class>/<file>.png -> the file."""
Pixels = NDArray[np.uint8]

FRAME = 32
"""Height and width of a drawing, in pixels."""
SMALLEST, LARGEST = 0.6, 0.8
"""Of the frame's side."""
PARTS = {"source": "0 to 4 in four rotations", "train": "5 to 9, ten each", "test": "the rest of 5 to 9"}
"""Of `Digits`, and the folders that they are stored in."""
SOURCE_DIGITS = range(5)
CUSTOMER_DIGITS = range(5, 10)
DRAWINGS_PER_SCAN = 2
ROTATIONS = (0, 90, 180, 270)
TRAINING_SAMPLES_PER_CLASS = 10
SEED = 2026


@dataclass(frozen=True)
class Digits:
    """Both tasks."""

    source: Files
    """0 to 4, drawn twice, in four rotations: 20 classes, to learn a backbone from."""
    train: Files
    """5 to 9, ten of each: all that the customer has."""
    test: Files
    """All other scans of 5 to 9."""


def make() -> Digits:
    """Draw every scan."""
    scans = load_digits()
    generator = np.random.default_rng(SEED)
    source: Files = {}
    train: Files = {}
    test: Files = {}
    for index, (scan, digit) in enumerate(zip(scans.images, scans.target, strict=True)):
        if digit in SOURCE_DIGITS:
            for number in range(DRAWINGS_PER_SCAN):
                drawing = draw(scan, generator)
                for degrees in ROTATIONS:
                    turned = np.rot90(drawing, degrees // 90)
                    source[f"{digit}-turned-{degrees}/{index:04}-{number}.png"] = png(turned)
    for digit in CUSTOMER_DIGITS:
        order = generator.permutation(np.flatnonzero(scans.target == digit))
        for position, index in enumerate(order):
            part = train if position < TRAINING_SAMPLES_PER_CLASS else test
            part[f"{digit}/{index:04}.png"] = png(draw(scans.images[index], generator))
    return Digits(source, train, test)


def draw(scan: NDArray[Any], generator: np.random.Generator) -> Pixels:
    """Return a scan (8, 8) with ink 0 to 16 as a drawing (FRAME, FRAME): white on black, or, half of them, inverted."""
    side = int(generator.integers(round(SMALLEST * FRAME), round(LARGEST * FRAME) + 1))
    ink = Image.fromarray(np.round(scan * (255 / 16)).astype(np.uint8)).resize((side, side), Image.Resampling.BILINEAR)
    top, left = generator.integers(0, FRAME - side + 1, size=2)
    drawing: Pixels = np.zeros((FRAME, FRAME), dtype=np.uint8)
    drawing[top : top + side, left : left + side] = np.asarray(ink)
    return 255 - drawing if generator.random() < 0.5 else drawing


def png(pixels: Pixels) -> bytes:
    """Return the PNG file of a greyscale drawing."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()


def pixels(file: bytes) -> Pixels:
    """Return the greyscale drawing of a PNG file."""
    return np.asarray(Image.open(io.BytesIO(file)).convert("L"))
