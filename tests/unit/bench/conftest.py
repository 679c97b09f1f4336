"""Fixtures of the tests of the bench: data small enough to learn from within seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transfermodel_trainer.training.device import Device

from tests.bench.training import sources
from tests.bench.training.material import Material
from tests.bench.training.turns import Effort, Turn


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep caches and temporary files in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def device() -> Device:
    """The CPU."""
    return Device(torch.device("cpu"), "cpu")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, device: Device) -> Material:
    """Thirty drawings of three digits, and a network with BatchNorm."""
    folder = tmp_path_factory.mktemp("tiny")
    return sources.tiny(sources.Places(folder, folder, device))


@pytest.fixture
def turn(tiny: Material, device: Device) -> Turn:
    """A turn that learns for a moment."""
    return Turn(tiny, tiny.train, 0, device, Effort(tutorial_epochs=2, hyperrule_steps=3, hyperrule_batch=8))
