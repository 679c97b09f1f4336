"""Recordings that strangers send: an allowlist of formats, limits told by the header, and every failure a sentence."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray

from transfermodel_predictor.artifact.description import AudioPreprocessing
from transfermodel_predictor.inference.errors import UnreadableSample
from transfermodel_predictor.inference.limits import DEFAULT, SampleLimits
from transfermodel_predictor.inference.spectrogram import log_mel, resample

FORMATS: Final = ("WAV", "FLAC", "OGG", "MP3")
MP3_FRAMES: Final = (b"\xff\xe2", b"\xff\xe3", b"\xff\xf2", b"\xff\xf3", b"\xff\xfa", b"\xff\xfb")
BEGINNINGS: Final = (b"RIFF", b"fLaC", b"OggS", b"ID3", *MP3_FRAMES)
"""libsndfile tries no decoder on anything else."""
UNRECOGNISED: Final = (1, 7, 18)
"""libsndfile's numbers for: a format unknown to it; an MP3 file without one whole frame; a known format that it cannot
read."""
UNKNOWN_LENGTH: Final = 2**63 - 1
LOWEST_RATE: Final = 1_000
HIGHEST_RATE: Final = 192_000
CHANNEL_LIMIT: Final = 8
LOUDEST: Final = float(1 << 31)
"""A full amplitude is 1, but files of floating-point numbers hold what their programs put there, such as integers."""
BLOCK: Final = 1 << 16
"""Samples of each channel that are unpacked at a time."""


@dataclass(frozen=True)
class Recording:
    """Sound with one channel."""

    samples: NDArray[np.float32]
    """(N,), N >= 1; a full amplitude is 1."""
    rate: int
    """In hertz."""


class AudioPipeline:
    """A recording; its row is the log-mel spectrogram of its middle, (size, size) float32."""

    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, preprocessing: AudioPreprocessing, limits: SampleLimits = DEFAULT) -> None:
        """Take what is done to recordings."""
        self.preprocessing = preprocessing
        self.limits = limits
        self.shape: tuple[int, ...] = (preprocessing.size, preprocessing.size)

    def decode(self, data: bytes) -> Recording:
        """Return an encoded recording as one channel. Raises UnreadableSample."""
        return decode_audio(data, self.limits.audio_samples)

    def row(self, decoded: Recording) -> NDArray[np.float32]:
        """Return its spectrogram, not yet standardised."""
        preprocessing = self.preprocessing
        clip = clip_of(decoded, preprocessing.sample_rate, preprocessing.clip_seconds)
        return log_mel(clip, preprocessing.sample_rate, preprocessing.size)

    def length(self, row: NDArray[np.float32]) -> int:
        """Return 1: spectrograms have one size."""
        return 1

    def feeds(self, rows: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return spectrograms (N, 1, M, T) float32."""
        mean, std = np.float32(self.preprocessing.mean), np.float32(self.preprocessing.std)
        return {"spectrograms": (rows[:, None] - mean) / std}

    def blank(self) -> list[Recording]:
        """Return a second of silence as a WAV file would bring it, so that the decoder is loaded."""
        file = io.BytesIO()
        soundfile.write(file, np.zeros(8000, np.int16), 8000, format="WAV")
        return [self.decode(file.getvalue())]


def decode_audio(data: bytes, sample_limit: int = DEFAULT.audio_samples) -> Recording:
    """Return an encoded recording, its channels averaged.

    Raises:
        UnreadableSample: It is no recording, of another format, broken, empty, or too long.
    """
    with opened(data, sample_limit) as file:
        samples, count = np.empty(file.frames, np.float32), 0
        while count < len(samples):
            block = file.read(min(len(samples) - count, BLOCK), dtype="float32", always_2d=True)
            if not len(block):
                break  # what an MP3 file says of its length is an estimate
            with np.errstate(over="ignore", invalid="ignore"):
                mixed = block.mean(axis=1)
            if not (np.abs(mixed) <= LOUDEST).all():
                raise UnreadableSample("The recording has samples that are infinite or no numbers. Save it again.")
            samples[count : count + len(mixed)] = mixed
            count += len(mixed)
        if not count:
            raise UnreadableSample("The recording is empty: there is no sound in it.")
        return Recording(samples[:count], file.samplerate)


def duration(data: bytes, sample_limit: int = DEFAULT.audio_samples) -> float:
    """Return the seconds of an encoded recording, by its header.

    Raises:
        UnreadableSample: It is no recording, of another format, or too long.
    """
    with opened(data, sample_limit) as file:
        return float(file.frames / file.samplerate)


@contextmanager
def opened(data: bytes, sample_limit: int) -> Iterator[soundfile.SoundFile]:
    """Open an encoded recording whose header is within the limits; decoders' errors become ours within, too."""
    if not data:
        raise UnreadableSample("The recording is empty: send the bytes of an audio file.")
    if not data.startswith(BEGINNINGS):
        raise no_recording()
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            check_header(file, sample_limit)
            yield file
    except UnreadableSample:
        raise
    except soundfile.LibsndfileError as error:
        if error.code in UNRECOGNISED:
            raise no_recording() from error
        said = " ".join(error.error_string.split()).rstrip(".") or "its decoder gave up"
        raise UnreadableSample(f"The recording is broken and cannot be decoded: {said}. Save it again.") from error
    except Exception as error:
        # numpy's, and soundfile's own, on headers made to hurt.
        raise UnreadableSample(f"The recording is broken and cannot be decoded: {error}. Save it again.") from error


def no_recording() -> UnreadableSample:
    """Return the error for bytes of another kind."""
    return UnreadableSample(f"The bytes are not a recording: send one of {', '.join(FORMATS)}.")


def check_header(file: soundfile.SoundFile, sample_limit: int) -> None:
    """Raise UnreadableSample where the header promises more than the limits."""
    if file.format.removesuffix("EX") not in FORMATS:  # WAVEX is WAV with a longer header
        raise UnreadableSample(f"The recording is {file.format}: send one of {', '.join(FORMATS)}.")
    if not LOWEST_RATE <= file.samplerate <= HIGHEST_RATE:
        raise UnreadableSample(
            f"The recording has {file.samplerate} samples per second; {LOWEST_RATE} to {HIGHEST_RATE} are accepted. "
            "Resample it."
        )
    if file.channels > CHANNEL_LIMIT:
        raise UnreadableSample(
            f"The recording has {file.channels} channels; at most {CHANNEL_LIMIT} are accepted. Mix them down: the "
            "model hears one."
        )
    if file.frames == UNKNOWN_LENGTH:
        raise UnreadableSample(
            "The recording does not say how long it is, as a stream cut off. Save it again as a file."
        )
    if file.frames > sample_limit:
        raise UnreadableSample(
            f"The recording has {file.frames} samples, {file.frames / file.samplerate:.1f} seconds; at most "
            f"{sample_limit} samples are accepted. Cut it: the model hears its middle alone."
        )


def clip_of(recording: Recording, sample_rate: int, seconds: float) -> NDArray[np.float32]:
    """Return the middle of a recording at this rate, (round(seconds * sample_rate),); a short one between silence."""
    # Cut first: what is not heard need not be resampled.
    middle = centred(recording.samples, ceil(seconds * recording.rate) + 1, pad=False)
    return centred(resample(middle, recording.rate, sample_rate), max(1, round(seconds * sample_rate)), pad=True)


def centred(samples: NDArray[np.float32], length: int, *, pad: bool) -> NDArray[np.float32]:
    """Return the middle `length` samples, or all between silence where there are fewer."""
    excess = len(samples) - length
    if excess >= 0:
        return samples[excess // 2 : excess // 2 + length]
    return np.pad(samples, (-excess // 2, (1 - excess) // 2)) if pad else samples
