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
    ),
    "Text": SampleForm(
        name="text",
        one="text",
        many="texts",
        content="the text",
        file="",
        remedy="Send a shorter text: the model reads its beginning alone.",
        tensors={"text": BYTES},
    ),
    "Audio": SampleForm(
        name="audio",
        one="recording",
        many="recordings",
        content="the audio file in base64",
        file="recording.wav",
        remedy="Send a shorter recording: the model hears its middle alone.",
        tensors={"audio": BYTES},
    ),
}
"""By modality."""
