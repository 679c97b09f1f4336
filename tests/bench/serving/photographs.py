"""The JPEGs that both sides are asked about: real ones where there are any, and made ones of usual sizes."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

QUALITY: Final = 85
REAL: Final = "32 x 32"
USUAL: Final = "640 x 480"
LARGE: Final = "3000 x 2000"
MADE: Final = {USUAL: (640, 480), LARGE: (3000, 2000)}
COUNT: Final = {REAL: 12, USUAL: 12, LARGE: 4}
REAL_FOLDER: Final = "images/horse-ship-truck/test"


class PhotographsMissing(Exception):
    """They are not on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Photographs:
    """Different JPEGs of one size."""

    name: str
    source: str
    """Where they are from, for people."""
    files: tuple[bytes, ...]

    @property
    def kilobytes(self) -> float:
        """Of one, on average."""
        return sum(map(len, self.files)) / len(self.files) / 1000


def photographs(name: str, data: Path) -> Photographs:
    """Return the photographs of a size; data: the folder of the real data sets.

    Raises:
        PhotographsMissing: they are real ones, and not there.
    """
    if name in MADE:
        files = tuple(made(*MADE[name], seed) for seed in range(COUNT[name]))
        return Photographs(name, f"made: random textures, quality {QUALITY}", files)
    paths = sorted((data / REAL_FOLDER).glob("*/*.jpg"))
    if not paths:
        raise PhotographsMissing(f"there is no {REAL_FOLDER} in the folder of data sets (--data)")
    chosen = paths[:: max(1, len(paths) // COUNT[name])][: COUNT[name]]
    return Photographs(name, "real: CIFAR-10", tuple(path.read_bytes() for path in chosen))


def made(width: int, height: int, seed: int) -> bytes:
    """Return a JPEG of smooth noise at several scales: it has edges and areas, as photographs have, and their size."""
    generator = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    cells, weight = 4, 1.0
    while cells <= width:
        shape = (max(2, cells * height // width), cells, 3)
        coarse = Image.fromarray(generator.integers(0, 256, shape, np.uint8))
        total += weight * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)
        cells, weight = cells * 2, weight * 0.85
    low, high = total.min(), total.max()
    buffer = io.BytesIO()
    pixels = ((total - low) * (255 / (high - low))).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=QUALITY)
    return buffer.getvalue()
