"""How large one sample may be once it is unpacked: what a few bytes may cost in memory and time."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class SampleLimits:
    """Judged before anything is unpacked."""

    image_pixels: int = 50_000_000
    """Width times height; told by the header."""
    text_characters: int = 1_000_000
    audio_samples: int = 30_000_000
    """Of one channel, ten minutes at 48 kHz; told by the header."""


DEFAULT: Final = SampleLimits()
