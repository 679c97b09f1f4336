"""model.json: what a model is, in everything that training further or serving it needs to know."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from msgspec import Meta, Struct, convert, to_builtins

from transfermodel_predictor.artifact.canonical import canonical_json
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.artifact.structure import read

SCHEMA_VERSION: Final = 1

Channels = tuple[float, float, float]


class Described(Struct, frozen=True, kw_only=True, rename="camel"):
    """camelCase on disk, immutable; what a newer trainer adds is ignored.

    Types are checked where JSON is read and written, not where a value is made.
    """

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it, with nulls."""
        document: dict[str, Any] = to_builtins(self)
        return document


class ImagePreprocessing(Described, frozen=True, kw_only=True, tag_field="modality", tag="Image"):
    """How an image becomes the input tensor, (3, size, size) float32."""

    modality: ClassVar[Literal["Image"]] = "Image"
    size: Annotated[int, Meta(ge=1)]
    """Height and width of the input, in pixels."""
    resize: Literal["ShortestSide", "Exact"] = "ShortestSide"
    """ShortestSide keeps the proportions and crops the centre; Exact stretches to a square."""
    resize_to: Annotated[int, Meta(ge=1)] | None = None
    """Pixels of the shortest side before the centre is cropped, where that is not `size` (ImageNet: 256, then 224)."""
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"
    mean: Channels
    """Of red, green and blue, after scaling to 0..1."""
    std: Channels
    """Of red, green and blue, after scaling to 0..1."""

    def __post_init__(self) -> None:
        """Raise ValueError where values do not go together."""
        if any(value <= 0 for value in self.std):
            raise ValueError("std must be above 0")
        if self.resize_to is not None and (self.resize == "Exact" or self.resize_to < self.size):
            raise ValueError("resizeTo goes with ShortestSide and is at least size")


class TextPreprocessing(Described, frozen=True, kw_only=True, tag_field="modality", tag="Text"):
    """How a text becomes token ids, by the artifact's tokenizer.json."""

    modality: ClassVar[Literal["Text"]] = "Text"
    max_tokens: Annotated[int, Meta(ge=1)]
    """What follows is cut off; the tokenizer's own special tokens are counted."""


class AudioPreprocessing(Described, frozen=True, kw_only=True, tag_field="modality", tag="Audio"):
    """How a recording becomes a log-mel spectrogram, (size, size) float32: bands by frames."""

    modality: ClassVar[Literal["Audio"]] = "Audio"
    sample_rate: Annotated[int, Meta(ge=1)]
    """In hertz."""
    clip_seconds: Annotated[float, Meta(gt=0)]
    """Longer recordings are cut to their middle, shorter ones padded with silence."""
    size: Annotated[int, Meta(ge=8)]
    """Mel bands, and frames."""
    mean: float
    """Of log-mel values."""
    std: Annotated[float, Meta(gt=0)]
    """Of log-mel values."""


Preprocessing = ImagePreprocessing | TextPreprocessing | AudioPreprocessing


class WeightsSource(Described, frozen=True, kw_only=True):
    """Where the trunk's weights came from."""

    kind: Literal["name", "uri", "scratch", "base"]
    reference: str | None = None
    """The name, the URI, or the base artifact's URI; none with scratch."""
    digest: str | None = None
    """sha256:… of the weights, or of the base artifact's manifest; none with scratch."""


class BackboneDescription(Described, frozen=True, kw_only=True):
    """The network and how it was trained."""

    name: str
    """<library>/<architecture>, such as torchvision/resnet18."""
    source: WeightsSource
    strategy: Literal["FeatureExtraction", "FineTuning"]


Task = Literal["ImageClassification", "TextClassification", "AudioClassification"]

MODALITIES: Final[Mapping[Task, str]] = {
    "ImageClassification": "Image",
    "TextClassification": "Text",
    "AudioClassification": "Audio",
}
GRAPH_INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Image": ("images",),
    "Text": ("input_ids", "attention_mask"),
    "Audio": ("spectrograms",),
}
"""By modality: images (N, 3, H, W) float32; input_ids and attention_mask (N, L) int64; spectrograms (N, 1, M, T)
float32."""


class Signature(Described, frozen=True, kw_only=True):
    """The names of the ONNX graph's inputs and of its output (N, K)."""

    inputs: tuple[str, ...] = GRAPH_INPUTS["Image"]
    output: Literal["logits"] = "logits"


class ModelDescription(Described, frozen=True, kw_only=True):
    """model.json; holds nothing that differs between two equal runs, such as the time."""

    schema_version: Literal[1] = SCHEMA_VERSION
    task: Task = "ImageClassification"
    backbone: BackboneDescription
    labels: Annotated[tuple[str, ...], Meta(min_length=1)]
    """In the order of the logits."""
    preprocessing: Preprocessing
    signature: Signature = Signature()
    libraries: dict[str, str] = {}
    """Versions, such as {"torch": "2.9.0"}."""
    run: str = ""
    """Key of the run that made it."""

    def __post_init__(self) -> None:
        """Raise ValueError where values do not go together."""
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from each other")
        modality = self.preprocessing.modality
        if modality != MODALITIES[self.task]:
            raise ValueError(f"preprocessing is of {modality}, which {self.task} has no use for")
        if self.signature.inputs != GRAPH_INPUTS[modality]:
            raise ValueError(f"signature.inputs must be {list(GRAPH_INPUTS[modality])}")

    def to_json(self) -> bytes:
        """Return the content of model.json. Raises ValueError where a value is of another type than it says."""
        checked = convert(self.document(), type(self))
        return canonical_json(_without_nulls(checked.document()))

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read model.json.

        Raises:
            ArtifactMalformed: It is not JSON, or not of this schema.
        """
        try:
            return read(data, cls)
        except ValueError as error:
            raise ArtifactMalformed(
                f"model.json cannot be read: {error}. Train the model again with the trainer of this version."
            ) from error


def _without_nulls(value: Any) -> Any:
    """Return JSON without the keys that have no value."""
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
