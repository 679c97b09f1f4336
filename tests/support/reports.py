"""Reports of real runs on real images, for tests of the page."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from transfermodel_operator.api import RunRequest, RunResult
from transfermodel_trainer import run
from transfermodel_trainer.progress import Progress

from examples.digits.dataset import png
from tests.support.datasets import Files

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PHOTOGRAPHS = SHARED / "images" / "horse-ship-truck"
PHOTOGRAPH_WEIGHTS = SHARED / "weights" / "resnet18-cifar7-64px.safetensors"


def write(folder: Path, files: Files) -> str:
    """Write the files and return the folder's URI."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return f"file://{folder}"


def digits(first: int, last: int, classes: str = "0123456789") -> Files:
    """Return scikit-learn's handwritten digits, scan first to last - 1 of each class, as PNG files of 32 pixels."""
    scans = load_digits()
    files: dict[str, bytes] = {}
    for label in classes:
        for index in np.flatnonzero(scans.target == int(label))[first:last]:
            ink = Image.fromarray(np.round(scans.images[index] * (255 / 16)).astype(np.uint8))
            files[f"{label}/{index:04}.png"] = png(np.asarray(ink.resize((32, 32), Image.Resampling.BILINEAR)))
    return files


def request(
    folder: Path,
    name: str,
    backbone: Mapping[str, Any],
    data: Mapping[str, str],
    training: Mapping[str, Any],
) -> RunRequest:
    """Return the request of a run that writes below the folder."""
    wire = {
        "run": "0" * 40,
        "namespace": "tests",
        "name": name,
        "task": "ImageClassification",
        "backbone": backbone,
        "data": {role: {"uri": uri} for role, uri in data.items()},
        "training": training,
        "outputUri": f"file://{folder}/models",
    }
    return RunRequest.model_validate_json(json.dumps(wire))


def execute(asked: RunRequest) -> RunResult:
    """Run it in this process; what it keeps for itself stays beside its models."""
    folder = asked.output_uri.removeprefix("file://")
    Path(folder).mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        patch.setenv("XDG_CACHE_HOME", f"{folder}/cache")
        return run.execute(asked, {}, Progress(quiet=True))


def report_of(result: RunResult) -> Path:
    """Return where the report of a result lies."""
    return Path(result.uri.removeprefix("file://")) / "report.html"


def fine_tuned_digits(folder: Path, *, architecture: str = "resnet18", epochs: int = 4) -> RunResult:
    """Train on handwritten digits from random weights, without a test set: curves, and an estimate."""
    train = write(folder / "digits", digits(0, 40))
    backbone = {"name": f"torchvision/{architecture}", "weights": {"scratch": True}, "input": {"size": 32}}
    tuning = {"unfreeze": "All", "epochs": epochs, "learningRate": "4e-3", "batchSize": 32}
    training = {"strategy": "FineTuning", "fineTuning": tuning}
    return execute(request(folder, "digits", backbone, {"train": train}, training))


def photographs(folder: Path) -> RunResult:
    """Extract features of photographs with a pretrained backbone, and judge on a test set."""
    backbone = {
        "weights": {"uri": f"file://{PHOTOGRAPH_WEIGHTS}"},
        "name": "torchvision/resnet18",
        "input": {"size": 64},
    }
    data = {role: f"file://{PHOTOGRAPHS}/{role}" for role in ("train", "test")}
    return execute(request(folder, "vehicles", backbone, data, {"strategy": "FeatureExtraction"}))


def extracted_digits(folder: Path, base: RunResult) -> RunResult:
    """Extract features with the backbone of another run: two classes that look alike, judged on a test set."""
    train = write(folder / "pair" / "train", digits(40, 50, "38"))
    test = write(folder / "pair" / "test", digits(50, 120, "38"))
    backbone = {"base": {"transferModel": "digits", "version": "v1", "uri": base.uri, "digest": base.digest}}
    return execute(request(folder, "pair", backbone, {"train": train, "test": test}, {"strategy": "FeatureExtraction"}))
