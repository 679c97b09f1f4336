"""What both sides serve: the same network with the same weights, as the baseline reads it and as ours does."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from PIL import Image
from transfermodel_predictor.artifact.description import (
    BackboneDescription,
    ImagePreprocessing,
    ModelDescription,
    WeightsSource,
)
from transfermodel_predictor.artifact.names import INT8_MODEL
from transfermodel_predictor.cpus import thread_count
from transfermodel_trainer.publishing.export import export_onnx
from transfermodel_trainer.publishing.quantisation import quantise

from tests.bench.serving.baseline import MEAN, STD, make_transform
from tests.bench.serving.photographs import USUAL, photographs
from tests.support.colours import colour_model, describe, write_artifact

SIZE, RESIZE_TO, CLASSES = 224, 256, 10
LABELS = tuple(f"class {number}" for number in range(CLASSES))


@dataclass(frozen=True)
class Artifact:
    """What the predictor is told to serve."""

    uri: str
    digest: str


@dataclass(frozen=True)
class Material:
    """One network."""

    architecture: str
    weights: Path
    """A state dict, for the baseline."""
    artifact: Artifact
    """Exported by the trainer's own code, for ours, in Float32 and in Int8."""


def prepare(architecture: str, folder: Path) -> Material:
    """Make a network of torchvision with random weights (its speed does not depend on them), and write both forms.

    Args:
        architecture: of torchvision.
        folder: for its files; made here.
    """
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    network = torchvision.models.get_model(architecture, weights=None, num_classes=CLASSES).eval()
    weights = folder / "weights.pth"
    torch.save(network.state_dict(), weights)
    graph = export_onnx(network, {"images": torch.zeros(2, 3, SIZE, SIZE)}, folder / "model.onnx")
    description = ModelDescription(
        backbone=BackboneDescription(
            name=f"torchvision/{architecture}", source=WeightsSource(kind="scratch"), strategy="FineTuning"
        ),
        labels=LABELS,
        preprocessing=ImagePreprocessing(size=SIZE, resize_to=RESIZE_TO, mean=MEAN, std=STD),
    )
    artifact = folder / "artifact"
    inputs = [{"images": row.numpy()} for row in _calibration(folder)]
    int8 = quantise(folder / "model.onnx", inputs, folder, thread_count())
    digest = write_artifact(artifact, graph, description.to_json(), {INT8_MODEL: int8})
    return Material(architecture, weights, Artifact(artifact.as_uri(), digest))


def _calibration(folder: Path) -> Sequence[torch.Tensor]:
    """Return inputs (1, 3, H, W) that ranges are measured on."""
    transform = make_transform()
    files = photographs(USUAL, folder).files
    return [transform(Image.open(io.BytesIO(file)).convert("RGB")).unsqueeze(0) for file in files]


def no_operation(folder: Path) -> Artifact:
    """Write a network that computes next to nothing from pixels of the usual size: what is left is the protocol."""
    artifact = folder / "no-operation"
    labels = ("red", "green", "blue")
    digest = write_artifact(artifact, colour_model(SIZE), describe(labels, SIZE).to_json())
    return Artifact(artifact.as_uri(), digest)


def write_bodies(images: Sequence[bytes], folder: Path) -> tuple[str, ...]:
    """Write one request of version 1 for each image, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, image in enumerate(images):
        path = folder / f"{number}.json"
        path.write_text(json.dumps({"instances": [{"image": {"b64": base64.b64encode(image).decode()}}]}))
        paths.append(str(path))
    return tuple(paths)
