"""model.json: what a model is, in everything that training further or serving it needs to know."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from transfermodel_predictor.artifact.canonical import canonical_json
from transfermodel_predictor.artifact.errors import ArtifactMalformed

SCHEMA_VERSION: Final = 1

Channels = tuple[float, float, float]


class Described(BaseModel):
    """camelCase on disk, immutable; what a newer trainer adds is ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
    )


class ImagePreprocessing(Described):
    """How an image becomes the input tensor, (3, size, size) float32."""

    modality: Literal["Image"] = "Image"
    size: Annotated[int, Field(ge=1)]
    """Height and width of the input, in pixels."""
    resize: Literal["ShortestSide", "Exact"] = "ShortestSide"
    """ShortestSide keeps the proportions and crops the centre; Exact stretches to a square."""
    resize_to: Annotated[int, Field(ge=1)] | None = None
    """Pixels of the shortest side before the centre is cropped, where that is not `size` (ImageNet: 256, then 224)."""
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"
    mean: Channels
    """Of red, green and blue, after scaling to 0..1."""
    std: Channels
    """Of red, green and blue, after scaling to 0..1."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any(value <= 0 for value in self.std):
            raise ValueError("std must be above 0")
        if self.resize_to is not None and (self.resize == "Exact" or self.resize_to < self.size):
            raise ValueError("resizeTo goes with ShortestSide and is at least size")
        return self


class TextPreprocessing(Described):
    """How a text becomes token ids, by the artifact's tokenizer.json."""

    modality: Literal["Text"] = "Text"
    max_tokens: Annotated[int, Field(ge=1)]
    """What follows is cut off; the tokenizer's own special tokens are counted."""


class AudioPreprocessing(Described):
    """How a recording becomes a log-mel spectrogram, (size, size) float32: bands by frames."""

    modality: Literal["Audio"] = "Audio"
    sample_rate: Annotated[int, Field(ge=1)]
    """In hertz."""
    clip_seconds: Annotated[float, Field(gt=0)]
    """Longer recordings are cut to their middle, shorter ones padded with silence."""
    size: Annotated[int, Field(ge=8)]
    """Mel bands, and frames."""
    mean: float
    """Of log-mel values."""
    std: Annotated[float, Field(gt=0)]
    """Of log-mel values."""


Preprocessing = Annotated[ImagePreprocessing | TextPreprocessing | AudioPreprocessing, Field(discriminator="modality")]


class WeightsSource(Described):
    """Where the trunk's weights came from."""

    kind: Literal["name", "uri", "scratch", "base"]
    reference: str | None = None
    """The name, the URI, or the base artifact's URI; none with scratch."""
    digest: str | None = None
    """sha256:… of the weights, or of the base artifact's manifest; none with scratch."""


class BackboneDescription(Described):
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


class Signature(Described):
    """The names of the ONNX graph's inputs and of its output (N, K)."""

    inputs: tuple[str, ...] = GRAPH_INPUTS["Image"]
    output: Literal["logits"] = "logits"


class ModelDescription(Described):
    """model.json; holds nothing that differs between two equal runs, such as the time."""

    schema_version: Literal[1] = SCHEMA_VERSION
    task: Task = "ImageClassification"
    backbone: BackboneDescription
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    """In the order of the logits."""
    preprocessing: Preprocessing
    signature: Signature = Signature()
    libraries: dict[str, str] = {}
    """Versions, such as {"torch": "2.9.0"}."""
    run: str = ""
    """Key of the run that made it."""

    @field_validator("labels")
    @classmethod
    def _different(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) != len(labels):
            raise ValueError("labels must differ from each other")
        return labels

    @model_validator(mode="after")
    def _one_modality(self) -> Self:
        modality = self.preprocessing.modality
        if modality != MODALITIES[self.task]:
            raise ValueError(f"preprocessing is of {modality}, which {self.task} has no use for")
        if self.signature.inputs != GRAPH_INPUTS[modality]:
            raise ValueError(f"signature.inputs must be {list(GRAPH_INPUTS[modality])}")
        return self

    def to_json(self) -> bytes:
        """Return the content of model.json."""
        document: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return canonical_json(document)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read model.json.

        Raises:
            ArtifactMalformed: It is not JSON, or not of this schema.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the document"
            raise ArtifactMalformed(
                f"model.json cannot be read: {place}: {first['msg']}. Train the model again with the trainer of this "
                "version."
            ) from error
