"""Recordings made on the fly: tones whose pitch is their class."""

import io

import numpy as np
import soundfile  # type: ignore[import-untyped]

PITCHES = {"low": 200.0, "middle": 700.0, "high": 2000.0}
RATE = 8000


def tone(label: str, number: int, seconds: float = 0.5, rate: int = RATE, file: str = "WAV") -> bytes:
    """Return a recording of one tone with noise, of a length and loudness of its own."""
    generator = np.random.default_rng([number, len(label)])
    length = round(seconds * rate * generator.uniform(0.8, 1.2))
    time = np.arange(length) / rate
    pitch = PITCHES[label] * generator.uniform(0.9, 1.1)
    sound = generator.uniform(0.2, 0.8) * np.sin(2 * np.pi * pitch * time) + generator.normal(0, 0.05, length)
    buffer = io.BytesIO()
    soundfile.write(buffer, sound.clip(-1, 1), rate, format=file)
    return buffer.getvalue()


def folder(per_class: int = 6, first: int = 0, seconds: float = 0.5) -> dict[str, bytes]:
    """Return name -> content, one folder for each pitch."""
    return {
        f"{label}/{number:03}.wav": tone(label, number, seconds)
        for label in PITCHES
        for number in range(first, first + per_class)
    }
