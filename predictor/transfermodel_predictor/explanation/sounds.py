"""Recordings: one band of pitch is filtered out at a time, for one moment.

The occlusion of Zeiler and Fergus (images.py) on the spectrogram's axes, but done to the sound itself: what is left is
a recording, and goes the way of every recording.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.artifact.description import AudioPreprocessing
from transfermodel_predictor.inference.audio import Recording, clip_of
from transfermodel_predictor.protocol.forms import BANDS
from transfermodel_predictor.protocol.sources import DecodedSample

MEL_SCALE: Final = 700.0
"""Hertz; the bands are of equal width in log(1 + f / 700), as those of the spectrogram are."""


class SoundView:
    """The clip that the model hears."""

    def __init__(self, recording: Recording, preprocessing: AudioPreprocessing, grid: int) -> None:
        """Cut it out, and resample it, as for a prediction."""
        self.rate = preprocessing.sample_rate
        self.samples = clip_of(recording, self.rate, preprocessing.clip_seconds)
        self.begin = (len(recording.samples) / recording.rate - preprocessing.clip_seconds) / 2
        self.seconds = preprocessing.clip_seconds
        self.moments = grid
        self.cells = BANDS * grid
        mel = np.linspace(0, np.log1p(self.rate / 2 / MEL_SCALE), BANDS + 1)
        self.hertz = np.expm1(mel) * MEL_SCALE

    def whole(self) -> DecodedSample:
        """Return the clip."""
        return DecodedSample(lambda: Recording(self.samples, self.rate))

    def without(self, cell: int) -> DecodedSample:
        """Return it without one band, the lowest first, around one moment."""

        def filtered() -> Recording:
            band, moment = divmod(cell, self.moments)
            part = self.samples * self._window(moment)
            spectrum = np.fft.rfft(part)
            frequencies = np.fft.rfftfreq(len(part), 1 / self.rate)
            last = band == BANDS - 1
            inside = (frequencies >= self.hertz[band]) & ((frequencies < self.hertz[band + 1]) | last)
            removed = np.fft.irfft(spectrum * inside, len(part))
            return Recording((self.samples - removed).astype(np.float32), self.rate)

        return DecodedSample(filtered)

    def told(self, saliency: NDArray[np.float64], *, overlay: bool) -> dict[str, Any]:
        """Return the map, the lowest band first, and the edges of its rows and columns.

        Seconds are counted from the recording's beginning; below 0 lies the silence before a short one.
        """
        return {
            "grid": [BANDS, self.moments],
            "saliency": saliency.reshape(BANDS, self.moments).tolist(),
            "hertz": self.hertz.tolist(),
            "seconds": (self.begin + np.linspace(0, self.seconds, self.moments + 1)).tolist(),
        }

    def _window(self, moment: int) -> NDArray[np.float64]:
        """Return a window that fades into its neighbours; all of them together are 1 everywhere."""
        place = (np.arange(len(self.samples)) + 0.5) * (self.moments / len(self.samples))
        centres = np.arange(self.moments) + 0.5
        window: NDArray[np.float64] = np.interp(place, centres, np.arange(self.moments) == moment)
        return window
