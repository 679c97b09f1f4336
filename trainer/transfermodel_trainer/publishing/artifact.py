"""The artifact's files, in a local folder."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import safetensors.torch
from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.run import RunCounts
from transfermodel_predictor.artifact.description import BackboneDescription, ModelDescription
from transfermodel_predictor.artifact.manifest import write_manifest

from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.publishing.card import write_card
from transfermodel_trainer.publishing.report import write_report

LIBRARIES = ("numpy", "onnx", "pillow", "torch", "torchvision")


def describe(request: RunRequest, backbone: LoadedBackbone, labels: tuple[str, ...]) -> ModelDescription:
    """Return model.json."""
    return ModelDescription(
        task=request.task,
        backbone=BackboneDescription(name=backbone.name, source=backbone.source, strategy=request.training.strategy),
        labels=labels,
        preprocessing=backbone.preprocessing,
        libraries={name: version(name) for name in LIBRARIES},
        run=request.run,
    )


def write_artifact(
    folder: Path,
    title: str,
    model: bytes,
    backbone: LoadedBackbone,
    description: ModelDescription,
    learned: Learned,
    counts: RunCounts,
) -> str:
    """Write all files and the manifest over them; return the digest."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model)
    safetensors.torch.save_file(backbone.network.torchvision_state(), folder / "model.safetensors")
    (folder / "model.json").write_bytes(description.to_json())
    (folder / "metrics.json").write_text(_json(_metrics(learned, counts)))
    (folder / "report.html").write_bytes(write_report(title, description, learned))
    (folder / "MODEL_CARD.md").write_bytes(write_card(title, description, learned, counts))
    return write_manifest(folder)


def _metrics(learned: Learned, counts: RunCounts) -> dict[str, Any]:
    return {
        "schemaVersion": 1,
        "headline": {"split": learned.headline.split, "estimated": learned.estimated},
        "splits": {entry.split: entry.metrics.to_wire() for entry in learned.splits},
        "counts": counts.to_wire(),
        "history": [{"loss": round(e.loss, 6), "learningRate": e.learning_rate} for e in learned.history],
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
