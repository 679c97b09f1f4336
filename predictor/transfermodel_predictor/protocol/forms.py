"""What a model takes, by its modality: how a sample is written in a request, and how it is spoken of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class TensorForm:
    """An input of version 2."""

    datatype: str
    shape: str
    """For people."""
    sizes: tuple[int, ...]
    """For the metadata; -1 where any number will do."""


@dataclass(frozen=True)
class GridForm:
    """How finely an explanation may look at a sample."""

    default: int
    highest: int
    counts: str
    """What the number is the number of."""
    times: int = 1
    squared: bool = False
    lowest: int = 2

    def cells(self, grid: int) -> int:
        """Return how many parts a sample has at most; each costs an inference."""
        return self.times * (grid * grid if self.squared else grid)


@dataclass(frozen=True)
class SampleForm:
    """The samples of one modality."""

    name: str
    """The key of version 1, and the input of version 2."""
    one: str
    many: str
    content: str
    """What is written where a sample is expected in JSON."""
    file: str
    """What a file of it may be called; empty where a sample is written as it is, not as a file in base64."""
    remedy: str
    """What to do where it is too large."""
    tensors: Mapping[str, TensorForm]
    """Inputs of version 2 by name; a request has one of them."""
    media_types: tuple[str, ...]
    """Of a body that is one sample as it is; the first one is named in messages, those of its family are taken, too."""
    beginnings: tuple[bytes, ...]
    """Of such a body, where its media type does not say what it is; empty where beginnings tell nothing."""
    grid: GridForm

    @property
    def family(self) -> str:
        """What the media types begin with, such as image/."""
        return self.media_types[0].partition("/")[0] + "/"

    @property
    def keys(self) -> tuple[str, ...]:
        """Those of version 1 that lead to a sample's content."""
        return (self.name, "b64") if self.file else (self.name,)

    @property
    def example(self) -> str:
        """A request of version 1."""
        content = f'"<{self.content}>"'
        for key in reversed(self.keys):
            content = f'{{"{key}": {content}}}'
        return f'{{"instances": [{content}]}}'

    @property
    def choices(self) -> str:
        """The inputs of version 2, for people."""
        return " or ".join(f"{name!r} ({form.datatype} {form.shape})" for name, form in self.tensors.items())


PIXELS: Final = "pixels"
BANDS: Final = 4
"""Of pitch, in explanations of recordings."""
BYTES: Final = TensorForm("BYTES", "[N]", (-1,))

FORMS: Final[Mapping[str, SampleForm]] = {
    "Image": SampleForm(
        name="image",
        one="image",
        many="images",
        content="the image file in base64",
        file="image.png",
        remedy="Send a smaller image: the model scales it down anyway.",
        tensors={"image": BYTES, PIXELS: TensorForm("UINT8", "[N, height, width, 3]", (-1, -1, -1, 3))},
        media_types=("image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif", "image/tiff"),
        beginnings=(b"\x89PNG", b"\xff\xd8", b"RIFF", b"BM", b"GIF8", b"II*\0", b"MM\0*"),
        grid=GridForm(7, 14, "rows, and columns, of squares", squared=True),
    ),
    "Text": SampleForm(
        name="text",
        one="text",
        many="texts",
        content="the text",
        file="",
        remedy="Send a shorter text: the model reads its beginning alone.",
        tensors={"text": BYTES},
        media_types=("text/plain",),
        beginnings=(),
        grid=GridForm(32, 128, "pieces of one or more words"),
    ),
    "Audio": SampleForm(
        name="audio",
        one="recording",
        many="recordings",
        content="the audio file in base64",
        file="recording.wav",
        remedy="Send a shorter recording: the model hears its middle alone.",
        tensors={"audio": BYTES},
        media_types=("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg"),
        beginnings=(b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff"),
        grid=GridForm(8, 32, "moments, each in four bands of pitch", times=BANDS),
    ),
}
"""By modality."""
