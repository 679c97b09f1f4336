"""Documents and results for the tests of the library."""

from pathlib import Path
from typing import Any

from transfermodel.documents import Document, Target, check_text
from transfermodel_operator.api import RunResult

from tests.support import datasets

TINY = """
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata: {{name: {name}}}
spec:
  task: {task}
  backbone: {backbone}
  data: {data}
  training: {training}
{more}
"""
SCRATCH = "{name: torchvision/squeezenet1_1, weights: {scratch: true}, input: {size: 32}}"
FOLDERS = "{train: {uri: train}, test: {uri: test}}"
ONE_EPOCH = "{strategy: FineTuning, fineTuning: {unfreeze: All, epochs: 1}}"


def yaml_of(
    name: str = "colours",
    *,
    backbone: str = SCRATCH,
    data: str = FOLDERS,
    training: str = ONE_EPOCH,
    more: str = "",
    task: str = "ImageClassification",
) -> str:
    """Return a TransferModel that trains in seconds; each part is YAML of that part of the spec."""
    return TINY.format(name=name, backbone=backbone, data=data, training=training, more=more, task=task)


def document(folder: Path, name: str = "colours", **parts: str) -> Document:
    """Return it as a document of a file in the folder."""
    checked = check_text(yaml_of(name, **parts), folder / "model.yaml", Target.LOCAL)
    assert not checked.errors, checked.errors
    return checked.documents[0]


def write_images(folder: Path, first: int = 0, per_class: int = 12) -> None:
    """Write one sub-folder per class."""
    for name, content in datasets.folder(first=first, per_class=per_class).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_data(folder: Path) -> None:
    """Write train/ and test/."""
    write_images(folder / "train")
    write_images(folder / "test", first=100, per_class=6)


def run_result(uri: str, run: str = "a" * 64, inputs: str = "b" * 64, **changes: Any) -> RunResult:
    """Return what the trainer would have written."""
    wire: dict[str, Any] = {
        "run": run,
        "inputsDigest": inputs,
        "dataDigest": "sha256:0",
        "uri": uri,
        "digest": "sha256:" + "c" * 64,
        "metrics": {"accuracy": "0.9000", "accuracyLow": "0.8000", "accuracyHigh": "0.9500"},
        "metricsSplit": "test",
        "estimated": False,
        "counts": {"classes": 3, "train": 30, "validation": 6, "test": 18},
        "seconds": {"total": 12.0},
        "device": "cpu",
    }
    return RunResult.model_validate(wire | changes)
