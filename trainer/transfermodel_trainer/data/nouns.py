"""What the samples of a task are called in sentences. What a file is, its content decides, not its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from transfermodel_operator.api.spec import Task


@dataclass(frozen=True)
class Nouns:
    """The words for the samples of one task."""

    one: str
    many: str
    formats: str
    """How their files may be stored: "store them as …"."""


NOUNS: Final[Mapping[Task, Nouns]] = {
    "ImageClassification": Nouns("image", "images", "PNG, JPEG, WEBP, BMP, GIF or TIFF"),
    "TextClassification": Nouns("text", "texts", "plain text (.txt) in UTF-8"),
    "AudioClassification": Nouns("recording", "recordings", "WAV, FLAC, OGG or MP3"),
}


def nouns(task: Task) -> Nouns:
    """Return the words for the samples of the task."""
    return NOUNS[task]
