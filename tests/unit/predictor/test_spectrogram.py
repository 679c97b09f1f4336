"""The picture of a sound, against other ways to compute it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal  # type: ignore[import-untyped]
from transfermodel_predictor.inference.spectrogram import RANGE, log_mel, mel_bands, resample

from tests.support.predictor_sounds import tone

pytestmark = pytest.mark.unit
FLOOR = np.log(RANGE)


def noise(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(count).normal(size=count).astype(np.float32)


def triangles(sample_rate: int, size: int, points: int) -> NDArray[np.float64]:
    """Return (size, points // 2 + 1), one triangle at a time, by the formulas of the HTK Book."""
    highest = 1127 * np.log(1 + sample_rate / 2 / 700)
    edges = 700 * (np.exp(np.arange(size + 2) * highest / (size + 1) / 1127) - 1)
    filters = np.zeros((size, points // 2 + 1))
    for band in range(size):
        low, centre, high = edges[band : band + 3]
        for index in range(points // 2 + 1):
            frequency = index * sample_rate / points
            if low < frequency <= centre:
                filters[band, index] = (frequency - low) / (centre - low)
            elif centre < frequency < high:
                filters[band, index] = (high - frequency) / (high - centre)
    return filters


@pytest.mark.parametrize(
    ("sample_rate", "size", "window"),
    [(8000, 16, 200), (16000, 64, 400), (8000, 64, 31), (16000, 224, 400), (44100, 40, 1103), (1000, 200, 25)],
)
def test_bands_are_the_triangles_of_the_mel_scale(sample_rate: int, size: int, window: int) -> None:
    bands = mel_bands(sample_rate, size, window)
    assert bands.points >= window
    expected = triangles(sample_rate, size, bands.points)
    assert expected.any(axis=1).all(), "a band without a frequency"
    spectra = np.random.default_rng(0).random((3, bands.points // 2 + 1))
    # 2595 log10 and 1127 ln differ in the fifth digit.
    np.testing.assert_allclose(bands.power(spectra), spectra @ expected.T, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("count", "sample_rate", "size"), [(4000, 8000, 16), (16000, 16000, 64), (3999, 8000, 61)])
def test_golden_numbers_against_a_short_time_fourier_transform(count: int, sample_rate: int, size: int) -> None:
    clip = noise(count) * np.linspace(0, 1, count, dtype=np.float32) + np.float32(0.3)
    window = max(round(sample_rate / 40), -(-2 * count // size))
    points = mel_bands(sample_rate, size, window).points
    centred = np.concatenate([np.zeros(window), clip - clip.mean(dtype=np.float64), np.zeros(window)])
    power = np.empty((size, size))
    for moment in range(size):
        start = window + round((moment + 0.5) * count / size - window / 2)
        frame = centred[start : start + window] * signal.get_window("hann", window)
        frequencies = np.exp(-2j * np.pi * np.outer(np.arange(points // 2 + 1), np.arange(window)) / points)
        spectrum = frequencies @ frame
        power[:, moment] = triangles(sample_rate, size, points) @ np.abs(spectrum) ** 2
    expected = np.log(np.maximum(power / power.max(), RANGE))
    np.testing.assert_allclose(log_mel(clip, sample_rate, size), expected, atol=2e-3)


@given(st.integers(1, 30_000), st.sampled_from([4000, 8000, 16000, 22050, 44100]), st.sampled_from([8, 33, 64, 224]))
def test_the_shape_is_square_for_any_length(count: int, sample_rate: int, size: int) -> None:
    picture = log_mel(noise(count), sample_rate, size)
    assert picture.shape == (size, size)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()
    assert picture.min() >= np.float32(FLOOR)
    assert picture.max() <= 0


def test_pitch_goes_up_and_time_to_the_right() -> None:
    chirp = signal.chirp(np.arange(8000) / 8000, 100, 1, 3900).astype(np.float32)
    loudest = log_mel(chirp, 8000, 32).argmax(axis=0)
    assert (np.diff(loudest) >= 0).all()
    assert loudest[0] <= 3
    assert loudest[-1] >= 30
    late = np.concatenate([np.zeros(6000), tone(seconds=0.25)]).astype(np.float32)
    heard = np.flatnonzero(log_mel(late, 8000, 32).max(axis=0) > FLOOR / 2)
    assert (heard.min(), heard.max()) == (23, 31)  # the window of the 23rd reaches into the sound's first 125 samples


def test_volume_and_a_constant_do_not_matter() -> None:
    clip = tone().astype(np.float32)
    for factor, constant in ((0.01, 0.0), (1e6, 0.0), (1.0, 0.4)):
        other = clip * np.float32(factor) + np.float32(constant)
        np.testing.assert_allclose(log_mel(other, 8000, 32), log_mel(clip, 8000, 32), atol=0.02)


@pytest.mark.parametrize("value", [0.0, 0.5, 2.0**31])
def test_silence_is_the_floor_everywhere(value: float) -> None:
    assert (log_mel(np.full(4000, value, np.float32), 8000, 16) == np.float32(FLOOR)).all()


def test_noise_far_below_hearing_is_not_blown_up() -> None:
    faint = noise(4000) * np.float32(1e-6)
    assert log_mel(faint, 8000, 16).max() < FLOOR / 3


@pytest.mark.parametrize(
    ("rate", "wanted"), [(8000, 16000), (44100, 16000), (48000, 16000), (16000, 8000), (11025, 16000)]
)
def test_resampling_agrees_with_a_polyphase_filter(rate: int, wanted: int) -> None:
    band = 0.4 * min(rate, wanted)
    low = signal.firwin(401, band, fs=rate)
    samples = np.convolve(noise(rate), low, "same").astype(np.float32)
    common = np.gcd(rate, wanted)
    # A long filter: scipy's default is not sharp enough to compare with.
    factor = max(wanted // common, rate // common)
    taps = signal.firwin(2 * 60 * factor + 1, 1 / factor, window=("kaiser", 8.0))
    expected = signal.resample_poly(samples, wanted // common, rate // common, window=taps)
    actual = resample(samples, rate, wanted)
    assert len(actual) == len(expected)
    inner = slice(wanted // 20, -wanted // 20)
    np.testing.assert_allclose(actual[inner], expected[inner], atol=0.003 * np.abs(expected).max())


def test_resampling_keeps_a_tone_and_drops_what_does_not_fit() -> None:
    kept = resample(tone(440, 1, 44100).astype(np.float32), 44100, 16000)
    np.testing.assert_allclose(kept[800:-800], tone(440, 1, 16000)[800:-800], atol=0.001)
    assert np.abs(resample(tone(6000, 1, 44100).astype(np.float32), 44100, 8000)[400:-400]).max() < 0.001


def test_resampling_does_not_ring() -> None:
    click = np.zeros(44100, np.float32)
    click[22051] = 1  # between two samples of the new rate
    resampled = np.abs(resample(click, 44100, 16000))
    loudest = int(resampled.argmax())
    later = resampled[loudest + 160 :].max()  # 10 ms
    assert later < 1e-4 * resampled[loudest]


@given(st.integers(1, 5000), st.integers(1000, 50_000), st.integers(4000, 48_000))
def test_any_rate_becomes_any_other(count: int, rate: int, wanted: int) -> None:
    resampled = resample(noise(count), rate, wanted)
    assert len(resampled) == -(-count * wanted // rate)
    assert resampled.dtype == np.float32
    assert np.isfinite(resampled).all()
