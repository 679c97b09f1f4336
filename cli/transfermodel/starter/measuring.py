"""How large the samples are: the median of some of them, of which only the beginning is read where that is enough."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from transfermodel.errors import DataInvalid
from transfermodel.modalities import AUDIO, IMAGE, Modality
from transfermodel.starter.types import Median, Unit

MEASURED: Final = 200
"""Samples that are looked into."""


def median_of_files(files: Sequence[Path], modality: Modality) -> Median | None:
    """Return the median of some of the files; None: nothing here can read recordings.

    Raises:
        DataInvalid: none of them can be read.
    """
    some = files[:: max(1, -(-len(files) // MEASURED))]
    if modality is IMAGE:
        median = _median(list(filter(None, map(_side, some))), "pixels")
    elif modality is AUDIO:
        try:
            soundfile = importlib.import_module("soundfile")
        except (ImportError, OSError):  # the package, or the library that it stands on
            return None
        median = _median(list(filter(None, (_seconds(path, soundfile) for path in some))), "seconds")
    else:
        median = median_of_texts([text for path in some if (text := _text(path)) is not None])
    if median is None:
        raise DataInvalid(
            f"None of the {modality.many} can be read, such as {files[0]}.", f"Store them as {modality.formats}."
        )
    return median


def median_of_texts(texts: Sequence[str]) -> Median | None:
    """Return the median length of some of the texts; None: there are none."""
    return _median([len(text) for text in texts[:: max(1, -(-len(texts) // MEASURED))]], "characters")


def _median(values: Sequence[float], unit: Unit) -> Median | None:
    return Median(sorted(values)[len(values) // 2], unit) if values else None


def _side(path: Path) -> int | None:
    """Return the shorter side of an image; None: it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return min(image.size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _seconds(path: Path, soundfile: Any) -> float | None:
    """Return the length of a recording; None: it cannot be read."""
    try:
        return float(soundfile.info(str(path)).duration)
    except (OSError, RuntimeError):
        return None


def _text(path: Path) -> str | None:
    """Return a text; None: it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
