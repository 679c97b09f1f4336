"""Data on a PersistentVolumeClaim: waited for, read, and left as it is."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import datasets
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import Workspace

NAME = "mounted"
SIZE = {"storage": "1Gi"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures in a folder of this host, which is the cluster's node: everybody may read them."""
    for name, content in datasets.folder().items():
        path = tmp_path / "train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path


@pytest.fixture
def volume(workspace: Workspace, folder: Path) -> Iterator[str]:
    """A PersistentVolume of that folder."""
    name = f"pictures-{uuid.uuid4().hex[:8]}"
    manifest: Manifest = {
        "metadata": {"name": name},
        "spec": {
            "capacity": SIZE,
            "accessModes": ["ReadOnlyMany"],
            "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": str(folder), "type": "Directory"},
        },
    }
    workspace.stack.core.create_persistent_volume(manifest)
    yield name
    workspace.stack.core.delete_persistent_volume(name)


def test_a_claim_is_waited_for_and_then_read(workspace: Workspace, folder: Path, volume: str) -> None:
    spec = quick_spec("pvc://pictures/train", serving={"mode": "None"})
    workspace.apply(NAME, spec)
    message = workspace.wait_reason(NAME, "Trained", "VolumeNotReady")
    assert '"pictures" not found' in message
    assert workspace.status(NAME)["stage"] == "Pending"

    claim: Manifest = {
        "metadata": {"name": "pictures"},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "storageClassName": "",
            "volumeName": volume,
            "resources": {"requests": SIZE},
        },
    }
    before = owners(folder)
    workspace.stack.core.create_namespaced_persistent_volume_claim(workspace.namespace, claim)
    workspace.wait_ready(NAME)
    assert "3 classes; images: " in workspace.condition(NAME, "DataReady")["message"]
    assert owners(folder) == before


def test_a_folder_that_is_not_there(workspace: Workspace, volume: str) -> None:
    claim: Manifest = {
        "metadata": {"name": "pictures"},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "storageClassName": "",
            "volumeName": volume,
            "resources": {"requests": SIZE},
        },
    }
    workspace.stack.core.create_namespaced_persistent_volume_claim(workspace.namespace, claim)
    workspace.apply(NAME, quick_spec("pvc://pictures/holidays", serving={"mode": "None"}))
    assert "pvc://pictures/holidays" in workspace.wait_reason(NAME, "DataReady", "DataNotFound", timeout_seconds=300)


def owners(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return owner, group and mode of each file."""
    facts = {str(path): os.stat(path) for path in (folder, *folder.rglob("*"))}
    return {name: (fact.st_uid, fact.st_gid, fact.st_mode) for name, fact in facts.items()}
