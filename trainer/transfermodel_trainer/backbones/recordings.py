"""What is measured on the training recordings before they become spectrograms."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from transfermodel_predictor.artifact.description import AudioPreprocessing
from transfermodel_predictor.inference.audio import AudioPipeline, duration
from transfermodel_predictor.inference.errors import UnreadableSample

from transfermodel_trainer import machine
from transfermodel_trainer.backbones.preprocessing import LONGEST_CLIP, AudioInput

LONG_ENOUGH_FOR: Final = 0.95
"""The share of training recordings that are heard whole."""
MEASURED: Final = 500
"""Recordings that mean and deviation come from."""
SHORTEST_CLIP: Final = 0.1
LEAST_DEVIATION: Final = 0.1
"""Of recordings that are all silent."""
DIGITS: Final = 1
"""After the point, of what is measured: a few more recordings change nothing, and features that are known stay so."""


def measure(wanted: AudioInput, count: int, read: Callable[[int], bytes]) -> AudioPreprocessing:
    """Return how recordings become the network's input.

    Those that cannot be read are passed over: decoding counts and names them.

    Args:
        wanted: what the user asks for.
        count: of training recordings, N.
        read: index of a recording -> its file's content.
    """

    def seconds(index: int) -> float | None:
        try:
            return duration(read(index))
        except UnreadableSample:
            return None

    with ThreadPoolExecutor(machine.threads()) as pool:
        clip = wanted.clip_seconds
        if clip is None:
            clip = clip_of([found for found in pool.map(seconds, range(count)) if found is not None])
        plain = replace(wanted.assumed(), clip_seconds=clip)
        pipeline = AudioPipeline(plain)

        def sums(index: int) -> tuple[float, float] | None:
            try:
                row = pipeline.row(pipeline.decode(read(index))).astype(np.float64)
            except UnreadableSample:
                return None
            return float(row.mean()), float((row**2).mean())

        chosen = np.unique(np.linspace(0, count - 1, min(count, MEASURED)).round().astype(np.int64)).tolist()
        moments: NDArray[np.float64] = np.array([found for found in pool.map(sums, chosen) if found is not None])
    if not len(moments):
        return plain
    mean, square = moments.mean(0)
    deviation = max(LEAST_DEVIATION, math.sqrt(max(0.0, square - mean**2)))
    return replace(plain, mean=round(float(mean), DIGITS), std=round(deviation, DIGITS))


def clip_of(seconds: Sequence[float]) -> float:
    """Return how much of a recording is heard: all of 19 in 20, at most 10 seconds."""
    if not seconds:
        return LONGEST_CLIP
    # The shortest clip that is long enough for so many, rounded up.
    found = float(np.quantile(np.asarray(seconds), LONG_ENOUGH_FOR, method="inverted_cdf"))
    return min(LONGEST_CLIP, max(SHORTEST_CLIP, math.ceil(found * 10**DIGITS) / 10**DIGITS))
