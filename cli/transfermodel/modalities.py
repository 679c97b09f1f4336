"""What a model's samples are: images, texts or recordings; how they are called, found, sent and limited."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from transfermodel_operator.api.spec import Task

SAMPLE_BYTES: Final = 20_000_000
"""The predictor takes no larger sample, so none is read."""


@dataclass(frozen=True)
class Modality:
    """The samples of one task."""

    task: Task
    key: str
    """Of an instance of the V1 protocol."""
    one: str
    many: str
    suffixes: tuple[str, ...]
    """What is looked for in folders: the formats that the predictor reads."""
    formats: str
    """How files may be stored: "store them as …"."""
    remedy: str
    """What to do about one that is too large."""

    @property
    def a(self) -> str:
        """Return the noun with its article."""
        return f"{'an' if self.one[0] in 'aeiou' else 'a'} {self.one}"


IMAGE: Final = Modality(
    "ImageClassification",
    "image",
    "image",
    "images",
    (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    "PNG, JPEG, WEBP, BMP, GIF or TIFF",
    "make the image smaller, the model scales it down anyway",
)
TEXT: Final = Modality(
    "TextClassification",
    "text",
    "text",
    "texts",
    (".txt",),
    "plain text (.txt) in UTF-8",
    "shorten the text, the model reads only its beginning",
)
AUDIO: Final = Modality(
    "AudioClassification",
    "audio",
    "recording",
    "recordings",
    (".wav", ".flac", ".ogg", ".mp3"),
    "WAV, FLAC, OGG or MP3",
    "cut the recording, the model hears only its middle",
)
MODALITIES: Final[Mapping[str, Modality]] = {each.task: each for each in (IMAGE, TEXT, AUDIO)}
"""By task."""
