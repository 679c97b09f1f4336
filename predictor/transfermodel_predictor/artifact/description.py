"""model.json: everything about a model that its graph does not say."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Described(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True)


class Preprocessing(_Described):
    """How an image becomes the network's input."""

    size: Annotated[int, Field(ge=1)]
    """Height and width, in pixels."""
    resize: Literal["ShortestSide", "Exact"]
    """ShortestSide: scale the shortest side to `resizeTo`, crop the centre. Exact: stretch to a square."""
    interpolation: Literal["bilinear", "bicubic", "nearest"]
    mean: Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
    """Per channel, after scaling to 0..1."""
    std: Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
    resize_to: int | None = None
    """Length of the shortest side before the crop, in pixels; default `size`."""


class Source(_Described):
    """Where the backbone's weights came from; exactly one of the first four."""

    name: str | None = None
    """The library's own weights, such as IMAGENET1K_V1."""
    uri: str | None = None
    scratch: bool | None = None
    base: str | None = None
    """Another TransferModel's version, as <name>/<version>."""
    digest: str | None = None
    """sha256:… of the weights file, or of the base's manifest."""


class BackboneDescription(_Described):
    """The network that the head sits on."""

    name: str
    """<library>/<architecture>, such as torchvision/resnet18."""
    source: Source
    strategy: str


class Signature(_Described):
    """Names of the graph's input, float32 (N, 3, size, size), and output, float32 (N, K)."""

    input: str = "images"
    output: str = "logits"


class ModelDescription(_Described):
    """model.json. Holds nothing that differs between equal runs, since the artifact is content-addressed."""

    schema_version: Literal[1] = 1
    task: Literal["ImageClassification"]
    backbone: BackboneDescription
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    """Class names in the order of the logits."""
    preprocessing: Preprocessing
    signature: Signature = Signature()
    libraries: dict[str, str] = {}
    """Versions of the libraries that made it."""
    run: str = ""
    """The key of the run that made it."""
