"""A tiny real model, made on the fly: the mean of each colour channel decides between red, green and blue."""

import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from transfermodel_predictor.artifact.description import (
    BackboneDescription,
    ImagePreprocessing,
    ModelDescription,
    WeightsSource,
)
from transfermodel_predictor.artifact.manifest import write_manifest

LABELS = ("red", "green", "blue")
SIZE = 16


def colour_model(size: int = SIZE, classes: int = 3, output: str = "logits") -> bytes:
    """Return ONNX: images (N, 3, size, size) -> logits (N, classes), ten times the mean of each channel."""
    weights = numpy_helper.from_array(np.eye(3, classes, dtype=np.float32) * 10, "weights")
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], [output]),
        ],
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", classes])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def describe(labels: tuple[str, ...] = LABELS, size: int = SIZE) -> ModelDescription:
    """Return a model.json for it."""
    return ModelDescription(
        backbone=BackboneDescription(
            name="torchvision/resnet18", source=WeightsSource(kind="scratch"), strategy="FeatureExtraction"
        ),
        labels=labels,
        preprocessing=ImagePreprocessing(size=size, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
        libraries={"onnx": onnx.__version__},
        run="0123",
    )


def write_artifact(
    folder: Path,
    model: bytes | None = None,
    description: bytes | None = None,
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """Write a whole artifact, and return its digest; files: more of them, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "model.onnx").write_bytes(colour_model() if model is None else model)
    (folder / "model.json").write_bytes(describe().to_json() if description is None else description)
    (folder / "metrics.json").write_text("{}")
    return write_manifest(folder)


def picture(colour: tuple[int, int, int] = (220, 20, 20), size: tuple[int, int] = (24, 20), file: str = "PNG") -> bytes:
    """Return an encoded image of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format=file)
    return buffer.getvalue()
