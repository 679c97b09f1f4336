"""Fixtures of the trainer's tests: tiny images in folders, runs by file:// URIs."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transfermodel_operator.api import RunRequest
from transfermodel_trainer.progress import Progress

from tests.support import datasets


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything below this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.unit)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def progress() -> Progress:
    """One that prints nothing."""
    return Progress(quiet=True)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, dict[str, bytes]], str]:
    """Write files below a folder of this test and return the folder's URI."""

    def write_files(folder: str, files: dict[str, bytes]) -> str:
        for name, content in files.items():
            path = tmp_path / "data" / folder / name
            if name.endswith("/"):
                path.mkdir(parents=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return f"file://{tmp_path}/data/{folder}"

    return write_files


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., RunRequest]:
    """Make a run's request: squeezenet from scratch for one epoch at 32 pixels, unless told otherwise."""

    def make(train: str, **changes: Any) -> RunRequest:
        sources = {role: {"uri": changes.pop(role)} for role in ("validation", "test") if role in changes}
        wire: dict[str, Any] = {
            "run": "0" * 40,
            "namespace": "tests",
            "name": "colours",
            "task": "ImageClassification",
            "backbone": {
                "name": "torchvision/squeezenet1_1",
                "weights": {"scratch": True},
                "input": {"size": 32},
            },
            "data": {"train": {"uri": train}, **sources},
            "training": {
                "strategy": "FineTuning",
                "fineTuning": {"unfreeze": "All", "epochs": 1, "learningRate": "1e-3", "batchSize": 16},
            },
            "outputUri": f"file://{tmp_path}/models",
        }
        return RunRequest.model_validate_json(json.dumps(wire | changes))

    return make


@pytest.fixture
def colours() -> dict[str, bytes]:
    """Three classes, six images each."""
    return datasets.folder(per_class=6)


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep caches and scratch files in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("NVIDIA_VISIBLE_DEVICES", raising=False)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
