"""A sample as the page can show it: a picture, the beginning of a text, or a spectrogram with its sound."""

import base64
import io
from dataclasses import dataclass
from typing import Final

from transfermodel_predictor.artifact.description import AudioPreprocessing, TextPreprocessing

from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.pictures import data_uri, spectrogram_uri

MOST_SOUND: Final = 600_000
"""Characters of all sounds of a page together."""
LONGEST_SOUND: Final = 60_000
"""Characters of one sound; a longer one is left out."""
LONGEST_TEXT: Final = 2_000
"""Characters that are looked at of a text; the page shows fewer."""


@dataclass(frozen=True)
class Exhibit:
    """One sample. A recording is shown by its picture."""

    name: str
    picture: str = ""
    """data: URI."""
    text: str = ""
    sound: str = ""
    """data: URI, where there is room for it."""


class Exhibitor:
    """Shows samples of one run, as long as there is room."""

    def __init__(self, record: RunRecord) -> None:
        """Begin a page, or a part of one."""
        self._record = record
        self._sound_left = MOST_SOUND

    def show(self, samples: Samples, index: int, *, sound: bool = False) -> Exhibit:
        """Return a sample; a recording with its sound, if asked for and small enough."""
        name, preprocessing = samples.names[index], self._record.description.preprocessing
        if isinstance(preprocessing, TextPreprocessing):
            content = self._record.content(samples.positions[index])
            return Exhibit(name, text=content.decode("utf-8-sig", "replace")[:LONGEST_TEXT])
        if isinstance(preprocessing, AudioPreprocessing):
            heard = self._sound(preprocessing, samples.positions[index]) if sound else ""
            return Exhibit(name, picture=spectrogram_uri(samples.rows[index]), sound=heard)
        return Exhibit(name, picture=data_uri(samples.rows[index]))

    def _sound(self, preprocessing: AudioPreprocessing, position: int) -> str:
        """Return what the network hears of a recording, or nothing where it takes too much room."""
        import soundfile  # type: ignore[import-untyped]
        from transfermodel_predictor.inference.audio import clip_of, decode_audio

        # Written anew: the page holds no bytes that somebody sent.
        recording = decode_audio(self._record.content(position))
        clip = clip_of(recording, preprocessing.sample_rate, preprocessing.clip_seconds)
        file = io.BytesIO()
        soundfile.write(file, clip.clip(-1, 1), preprocessing.sample_rate, format="FLAC", subtype="PCM_16")
        uri = "data:audio/flac;base64," + base64.b64encode(file.getvalue()).decode()
        if len(uri) > min(LONGEST_SOUND, self._sound_left):
            return ""
        self._sound_left -= len(uri)
        return uri
