"""From sound to a square picture of it: time to the right, pitch upwards, loudness as the value."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW_SECONDS: Final = 0.025
"""At least; where frames lie further apart than half of it, windows are longer, so that they cover all of the sound."""
RANGE: Final = 1e-6
"""Power that counts, relative to the loudest of the clip: 60 dB. Below lies noise, and the silence of padding."""
SILENCE: Final = 1e-10
"""Power of a clip's loudest place below which nothing is told from silence: 100 dB below a full sine."""
ROLL_OFF: Final = 0.05
"""Share of the band over which resampling fades out: cut off at once, it would ring."""
VALUES_AT_ONCE: Final = 1 << 20
"""Of spectra in memory."""


def resample(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """Return sound at another rate, in hertz; ceil(N * wanted / rate) samples.

    In the frequency domain: https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.resample.html. The end is
    padded with silence, to whole periods of both rates, and because the method takes sound for something periodic.
    """
    if rate == wanted or not len(samples):
        return samples
    common = gcd(rate, wanted)
    periods = ceil((len(samples) + rate // 100) * common / rate)
    before, after = periods * (rate // common), periods * (wanted // common)
    spectrum = np.fft.rfft(samples.astype(np.float64), before)
    kept = min(before, after) // 2 + 1
    fade = max(1, int(kept * ROLL_OFF))
    spectrum = spectrum[:kept]
    spectrum[kept - fade :] *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fade))
    resampled = np.fft.irfft(spectrum, after) * (after / before)
    return resampled[: ceil(len(samples) * wanted / rate)].astype(np.float32)


def log_mel(clip: NDArray[np.float32], sample_rate: int, size: int) -> NDArray[np.float32]:
    """Return the logarithm of the power in `size` bands of pitch and `size` moments, (size, size) float32.

    clip (N,), N >= 1, at sample_rate hertz. Row 0 is the lowest band. Moment i is centred at (i + 0.5) * N / size; its
    Hann window is 25 ms long, or twice the moments' distance where that is longer. The loudest value is 0, whatever the
    recording's volume, and the lowest log(RANGE); silence is log(RANGE) everywhere.
    """
    window = max(round(WINDOW_SECONDS * sample_rate), ceil(2 * len(clip) / size), 2)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    hann *= 2 / hann.sum()  # a full sine has the power 1
    bands = mel_bands(sample_rate, size, window)
    # A constant is no sound, but would leak into the lowest bands.
    padded = np.pad(clip.astype(np.float64) - clip.mean(dtype=np.float64), window)
    starts = window + np.rint((np.arange(size) + 0.5) * len(clip) / size - window / 2).astype(np.int64)
    power = np.empty((size, size))
    step = max(1, VALUES_AT_ONCE // bands.points)
    for first in range(0, size, step):
        chosen = starts[first : first + step]
        frames = padded[chosen[:, None] + np.arange(window)] * hann
        power[:, first : first + step] = bands.power(np.abs(np.fft.rfft(frames, bands.points)) ** 2).T
    power /= max(power.max(), SILENCE)
    return np.log(np.maximum(power, RANGE)).astype(np.float32)


@dataclass(frozen=True)
class MelBands:
    """Triangles of height 1 over the points of a Fourier transform; where one falls, the next one rises."""

    points: int
    """Of the transform; it has points // 2 + 1 frequencies."""
    starts: NDArray[np.int64]
    """(size + 1,): the first frequency between one triangle's beginning and the next one's."""
    filled: NDArray[np.bool_]
    """(size + 1,): whether there is a frequency at all in between."""
    weights: NDArray[np.float64]
    """Of each frequency, in the triangle that rises there; what is left to 1 is that of the one that falls."""

    def power(self, spectra: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the power in each band, (N, size), for power spectra (N, points // 2 + 1)."""
        # Sums, not a product of matrices: those take their own threads, and another order of adding for each number.
        rising = np.add.reduceat(spectra * self.weights, self.starts, axis=1) * self.filled
        falling = np.add.reduceat(spectra * (1 - self.weights), self.starts, axis=1) * self.filled
        power: NDArray[np.float64] = rising[:, :-1] + falling[:, 1:]
        return power


@lru_cache(maxsize=8)
def mel_bands(sample_rate: int, size: int, window: int) -> MelBands:
    """Return triangles evenly spaced on the mel scale, from 0 hertz to half the sample rate.

    The scale is that of the HTK Book (Young et al., section 5.4), 2595 log10(1 + f / 700). Windows are padded to a
    power of two of points, so many that there is one in every triangle.
    """
    highest = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, size + 2) / 2595) - 1)
    points = 1 << (window - 1).bit_length()
    while True:
        frequencies = np.arange(points // 2 + 1) * (sample_rate / points)
        firsts = np.searchsorted(frequencies, edges)
        filled = np.diff(firsts) > 0
        # A triangle reaches over two of its neighbours' distances; at its own ends it is 0.
        inner = np.searchsorted(frequencies, edges[:-2], side="right") < firsts[2:]
        if inner.all():
            break
        points *= 2
    segment = np.clip(np.searchsorted(edges, frequencies, side="right") - 1, 0, size)
    weights = np.clip((frequencies - edges[segment]) / np.diff(edges)[segment], 0, 1)
    return MelBands(points, np.minimum(firsts[:-1], len(frequencies) - 1), filled, weights)
