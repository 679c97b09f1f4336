"""The artifact's files, in a local folder."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import safetensors.torch
from transfermodel_operator.api import RunRequest
from transfermodel_predictor.artifact.description import (
    GRAPH_INPUTS,
    BackboneDescription,
    ModelDescription,
    Signature,
)
from transfermodel_predictor.artifact.manifest import write_manifest
from transfermodel_predictor.artifact.names import INT8_MODEL, MODEL

from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.evaluation.reliability import reliability
from transfermodel_trainer.evaluation.summary import CurvePoint, Evaluated, Learned
from transfermodel_trainer.publishing.card import write_card
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report import write_report
from transfermodel_trainer.training.finetuning import Epoch

LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "torch")
LIBRARIES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "torchvision": ("torchvision",),
    "timm": ("timm", "torchvision"),
    "sentence-transformers": ("transformers",),
    "transformers": ("transformers",),
    "Image": ("pillow",),
    "Text": ("tokenizers",),
    "Audio": ("soundfile",),
}
"""By the backbone's library and by modality: what else took part."""


def describe(
    request: RunRequest, backbone: LoadedBackbone, labels: tuple[str, ...], learned: Learned
) -> ModelDescription:
    """Return model.json."""
    return ModelDescription(
        task=request.task,
        backbone=BackboneDescription(name=backbone.name, source=backbone.source, strategy=learned.strategy),
        labels=labels,
        preprocessing=backbone.preprocessing,
        signature=Signature(inputs=GRAPH_INPUTS[backbone.preprocessing.modality]),
        libraries=_libraries(backbone),
        run=request.run,
    )


def _libraries(backbone: LoadedBackbone) -> dict[str, str]:
    library = backbone.name.partition("/")[0]
    names = {*LIBRARIES, *LIBRARIES_OF[library], *LIBRARIES_OF[backbone.preprocessing.modality]}
    return {name: version(name) for name in sorted(names)} | {"python": platform.python_version()}


def write_artifact(
    folder: Path, model: bytes, backbone: LoadedBackbone, record: RunRecord, int8: bytes | None = None
) -> str:
    """Write all files and the manifest over them; return the digest.

    model, int8: the graph in Float32 and, where there is one to publish, in 8-bit integers.
    """
    folder.mkdir()
    (folder / MODEL).write_bytes(model)
    if int8 is not None:
        (folder / INT8_MODEL).write_bytes(int8)
    # transformers reads no file that does not say this of itself.
    safetensors.torch.save_file(
        backbone.network.library_state(), folder / "model.safetensors", metadata={"format": "pt"}
    )
    for name, content in backbone.files.items():
        (folder / name).write_bytes(content)
    (folder / "model.json").write_bytes(record.description.to_json())
    (folder / "metrics.json").write_text(_json(metrics(record)))
    (folder / "report.html").write_bytes(write_report(record))
    (folder / "MODEL_CARD.md").write_bytes(write_card(record))
    return write_manifest(folder)


def metrics(record: RunRecord) -> dict[str, Any]:
    """Return metrics.json: every figure of the report, of all splits, classes and epochs."""
    learned = record.learned
    return {
        "schemaVersion": 1,
        "headline": {"split": learned.headline.split, "estimated": learned.estimated},
        "splits": {entry.split: _split(entry) for entry in learned.splits},
        "counts": record.split.counts().to_wire(),
        "samplesPerClass": {
            role: dict(zip(record.labels, counts, strict=True)) for role, counts in record.samples_per_class().items()
        },
        "history": [_epoch(number, epoch) for number, epoch in enumerate(learned.history, 1)],
        "samplesCurve": [_point(point) for point in learned.samples_curve],
        **({"auto": learned.choice.to_wire()} if learned.choice else {}),
        **({"search": learned.search.to_wire()} if learned.search else {}),
        **({"int8": record.int8.to_wire()} if record.int8 else {}),
    }


def _split(evaluated: Evaluated) -> dict[str, Any]:
    bins = reliability(evaluated.logits.double().softmax(1), evaluated.samples.classes)
    return evaluated.metrics.to_wire() | {"reliability": [entry.to_wire() for entry in bins]}


def _epoch(number: int, epoch: Epoch) -> dict[str, Any]:
    values = {
        "loss": epoch.loss,
        "validationLoss": epoch.validation_loss,
        "validationAccuracy": epoch.validation_accuracy,
    }
    known = {name: round(value, 6) for name, value in values.items() if value is not None}
    return {"epoch": number, "learningRate": epoch.learning_rate, **known}


def _point(point: CurvePoint) -> dict[str, Any]:
    return {
        "samplesPerClass": point.samples_per_class,
        "accuracy": round(point.accuracy, 6),
        "low": round(point.low, 6),
        "high": round(point.high, 6),
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
