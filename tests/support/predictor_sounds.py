"""A tiny real model of recordings, made on the fly: low tones against high ones."""

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from transfermodel_predictor.artifact.description import (
    GRAPH_INPUTS,
    AudioPreprocessing,
    BackboneDescription,
    ModelDescription,
    Signature,
    WeightsSource,
)

from tests.support.colours import write_artifact

LABELS: Final = ("low", "high")
SIZE: Final = 16
RATE: Final = 8000
TONES: Final = {"low": 200.0, "high": 3000.0}


def tone(hertz: float = 440.0, seconds: float = 0.5, rate: int = RATE, amplitude: float = 0.5) -> NDArray[np.float64]:
    """Return a sine, (N,)."""
    wave: NDArray[np.float64] = amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return wave


def encode(samples: NDArray[Any], rate: int = RATE, file: str = "WAV", subtype: str | None = None) -> bytes:
    """Return an audio file of samples (N,) or (N, channels)."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=file, subtype=subtype)
    return buffer.getvalue()


def pitch_model(size: int = SIZE) -> bytes:
    """Return ONNX: spectrograms (N, 1, size, size) -> logits (N, 2), the mean of the lower bands and of the upper."""
    weights = np.zeros((size, 2), np.float32)
    weights[: size // 2, 0] = weights[size // 2 :, 1] = 4 / size
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["spectrograms"], ["bands"], axes=[1, 3], keepdims=0),
            helper.make_node("MatMul", ["bands", "weights"], ["logits"]),
        ],
        "pitch",
        [helper.make_tensor_value_info("spectrograms", TensorProto.FLOAT, ["batch", 1, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def describe_sounds(size: int = SIZE) -> ModelDescription:
    """Return a model.json for it."""
    return ModelDescription(
        task="AudioClassification",
        backbone=BackboneDescription(
            name="torchvision/resnet18", source=WeightsSource(kind="scratch"), strategy="FeatureExtraction"
        ),
        labels=LABELS,
        preprocessing=AudioPreprocessing(sample_rate=RATE, clip_seconds=0.5, size=size, mean=-10, std=3),
        signature=Signature(inputs=GRAPH_INPUTS["Audio"]),
    )


def write_sound_artifact(folder: Path) -> str:
    """Write a whole artifact, and return its digest."""
    return write_artifact(folder, pitch_model(), describe_sounds().to_json())
