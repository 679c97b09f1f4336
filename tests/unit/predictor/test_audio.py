"""Recordings from strangers: what is let in, and that nothing else costs more than a sentence."""

import random
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_predictor.artifact.description import AudioPreprocessing
from transfermodel_predictor.inference.audio import AudioPipeline, Recording, clip_of, decode_audio, duration
from transfermodel_predictor.inference.errors import UnreadableSample
from transfermodel_predictor.inference.limits import SampleLimits

from tests.support.predictor_sounds import RATE, encode, tone

pytestmark = pytest.mark.unit
PREPROCESSING = AudioPreprocessing(sample_rate=RATE, clip_seconds=0.5, size=16, mean=-10, std=3)
PIPELINE = AudioPipeline(PREPROCESSING)
KINDS = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAVEX", "PCM_24"), ("WAV", "ULAW"), ("WAV", "GSM610"), ("FLAC", None)]
LOSSY = [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)]


@pytest.mark.parametrize(("file", "subtype"), [*KINDS, *LOSSY])
def test_formats(file: str, subtype: str | None) -> None:
    data = encode(tone(), file=file, subtype=subtype)
    recording = decode_audio(data)
    assert recording.rate == RATE
    assert recording.samples.dtype == np.float32
    assert len(recording.samples) / RATE == pytest.approx(0.5, abs=0.07)  # some fill their last block
    assert duration(data) == pytest.approx(0.5, abs=0.07)
    spectrum = np.abs(np.fft.rfft(recording.samples))
    assert spectrum.argmax() * RATE / len(recording.samples) == pytest.approx(440, abs=5)
    assert np.abs(recording.samples).max() == pytest.approx(0.5, abs=0.1)


def test_long_recordings_are_read_in_blocks_to_the_same_end() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 200_001)
    recording = decode_audio(encode(samples, 48000, subtype="FLOAT"))
    np.testing.assert_array_equal(recording.samples, samples.astype(np.float32))
    for file, subtype in LOSSY:
        assert len(decode_audio(encode(samples, 48000, file, subtype)).samples) == len(samples)


def test_channels_are_averaged() -> None:
    both = np.stack([tone(), np.zeros(4000)], axis=1)
    np.testing.assert_allclose(decode_audio(encode(both)).samples, tone() / 2, atol=1e-4)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The recording is empty: send the bytes"),
        (b"x", "not a recording: send one of WAV, FLAC, OGG, MP3"),
        (b"\x89PNG\r\n\x1a\n", "not a recording"),
        (b"RIFF", "broken|not a recording"),
        (b"RIFF\0\0\0\0AVI LIST", "not a recording"),
        (b"ID3" + bytes(100), "not a recording"),
        (b"\xff\xfb" + bytes(200), "not a recording"),
        (encode(tone(), file="AIFF"), "not a recording"),
        (encode(tone(), file="AU"), "not a recording"),
        (encode(np.empty(0)), "The recording is empty: there is no sound in it"),
        (encode(tone(), file="FLAC")[:2000], "broken and cannot be decoded"),
        (encode(tone(), file="OGG")[:1000], "broken|empty"),
        (encode(tone(), 999), "has 999 samples per second; 1000 to 192000 are accepted"),
        (encode(tone(), 192_001), "has 192001 samples per second"),
        (encode(np.zeros((4, 9))), "has 9 channels; at most 8"),
        (encode(np.array([0.1, np.nan]), subtype="FLOAT"), "infinite or no numbers"),
        (encode(np.array([[np.inf, -np.inf]]), subtype="FLOAT"), "infinite or no numbers"),
        (encode(np.array([1e300]), subtype="DOUBLE"), "infinite or no numbers"),
        (encode(np.array([[3e38, 3e38]]), subtype="FLOAT"), "infinite or no numbers"),
    ],
)
def test_what_is_no_recording_is_refused_with_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableSample, match=f"(?:{said}).*\\.$"):
        decode_audio(data)


def test_a_stream_of_unknown_length_is_refused() -> None:
    data = bytearray(encode(tone(), file="FLAC"))
    data[8 + 13] &= 0xF0  # of STREAMINFO: the number of samples, 36 bits
    data[8 + 14 : 8 + 18] = bytes(4)
    with pytest.raises(UnreadableSample, match="does not say how long it is"):
        duration(bytes(data))


def test_a_long_recording_is_refused_by_its_header_alone() -> None:
    data = bytearray(encode(tone(), file="FLAC"))
    data[8 + 14 : 8 + 18] = struct.pack(">I", 30_000_001)
    with pytest.raises(UnreadableSample, match=r"has 30000001 samples, 3750.0 seconds; at most 30000000 samples"):
        decode_audio(bytes(data))
    pipeline = AudioPipeline(PREPROCESSING, SampleLimits(audio_samples=3999))
    with pytest.raises(UnreadableSample, match="at most 3999"):
        pipeline.decode(encode(tone()))
    assert pipeline.decode(encode(tone()[:3999]))


def test_long_recordings_are_cut_to_their_middle() -> None:
    samples = np.arange(10_001, dtype=np.float32)
    np.testing.assert_array_equal(clip_of(Recording(samples, RATE), RATE, 0.25), samples[4000:6000])
    np.testing.assert_array_equal(clip_of(Recording(samples[:2000], RATE), RATE, 0.25), samples[:2000])


def test_short_recordings_lie_between_silence() -> None:
    clip = clip_of(Recording(np.ones(1001, np.float32), RATE), RATE, 0.25)
    assert len(clip) == 2000
    assert np.flatnonzero(clip).tolist() == list(range(499, 1500))


@pytest.mark.parametrize("seconds", [0.01, 0.5, 3.0])
@pytest.mark.parametrize("rate", [8000, 11025, 48000])
def test_the_middle_is_the_same_at_every_rate(rate: int, seconds: float) -> None:
    """What lies around the clip is cut off, before resampling or after it."""
    sound = np.concatenate([np.zeros(rate), tone(300, 1.0, rate), np.zeros(rate)]).astype(np.float32)
    clip = clip_of(Recording(sound, rate), 16000, seconds)
    assert len(clip) == round(seconds * 16000)
    whole = clip_of(Recording(sound, rate), 16000, 3.0)
    start = (len(whole) - len(clip)) // 2
    edge = min(400, len(clip) // 4)
    np.testing.assert_allclose(clip[edge:-edge], whole[start : start + len(clip)][edge:-edge], atol=0.1)


def test_rows_and_feeds() -> None:
    rows = np.stack([PIPELINE.row(PIPELINE.decode(encode(tone(hertz)))) for hertz in (300, 2000)])
    assert rows.shape == (2, *PIPELINE.shape)
    assert rows.dtype == PIPELINE.dtype == np.float32
    (spectrograms,) = PIPELINE.feeds(rows).values()
    assert spectrograms.shape == (2, 1, 16, 16)
    assert spectrograms.dtype == np.float32
    np.testing.assert_allclose(spectrograms[:, 0], (rows + 10) / 3, rtol=1e-6)


def test_threads_share_it_and_agree() -> None:
    files = [encode(tone(100 + 10 * index), 11025, *kind) for index in range(10) for kind in (*KINDS, *LOSSY)[:2]]
    files += [encode(tone(100 + 10 * index), 16000, *kind) for index in range(10) for kind in LOSSY]

    def row(data: bytes) -> bytes:
        return PIPELINE.row(PIPELINE.decode(data)).tobytes()

    alone = [row(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(row, files)) == alone


@given(st.sampled_from([*KINDS, *LOSSY]), st.integers(0, 2**32))
def test_damaged_files_are_rows_or_refused(kind: tuple[str, str | None], seed: int) -> None:
    damage = random.Random(seed)
    data = bytearray(encode(tone(seconds=0.1), 8000, *kind))
    for _ in range(damage.choice([1, 3, 20])):
        at = damage.randrange(damage.choice([60, len(data)]))
        what = damage.randrange(4)
        if what == 0:
            data[at : at + 1] = damage.randbytes(1)
        elif what == 1:
            data[at : at + 4] = damage.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)])
        elif what == 2:
            del data[at : at + damage.randrange(40)]
        else:
            data[at:at] = damage.randbytes(damage.randrange(20))
    with suppress(UnreadableSample):
        row = PIPELINE.row(PIPELINE.decode(bytes(data)))
        assert row.shape == PIPELINE.shape
        assert np.isfinite(row).all()
        assert duration(bytes(data)) > 0


@given(
    st.sampled_from([b"", b"RIFF", b"RIFF....WAVEfmt ", b"fLaC", b"OggS", b"ID3", b"\xff\xfb"]), st.binary(max_size=200)
)
def test_any_bytes_are_refused_or_heard(beginning: bytes, rest: bytes) -> None:
    with suppress(UnreadableSample):
        assert len(decode_audio(beginning + rest).samples)
