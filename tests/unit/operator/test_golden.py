"""The Job, the ControllerRevision and the InferenceService, whole.

UPDATE_GOLDEN=1 writes the files anew; read the difference before it is committed.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.operator.simulator import World, settings

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent / "golden"


def compare(name: str, manifest: dict[str, Any]) -> None:
    """Compare a manifest with its golden file."""
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        plain = json.loads(json.dumps(manifest))  # no YAML aliases
        path.write_text(yaml.safe_dump(plain, sort_keys=False, width=120))
    assert manifest == yaml.safe_load(path.read_text())


def test_job() -> None:
    world = World()
    world.create()
    compare("job", world.plan().creations[0])


def test_job_with_everything() -> None:
    world = World()
    world.create("base", serving={"mode": "None"})
    world.run_to_ready("base")
    world.create(
        backbone={"fromTransferModel": "base", "input": {"size": 64, "mean": ["0.5"] * 3, "std": ["0.5"] * 3}},
        data={
            "train": {"uri": "https://example.com/train.tar.gz"},
            "test": {"uri": "s3://datasets/test"},
            "validationFraction": "0.1",
        },
        training={
            "seed": 7,
            "maxDurationSeconds": 600,
            "resources": {"limits": {"nvidia.com/gpu": 1}, "requests": {"memory": "6Gi"}},
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "priorityClassName": "low",
            "serviceAccountName": "trainer",
        },
        output={"uri": "s3://elsewhere/models/"},
    )
    world.annotate("transferlearning.dev/run-requested", "once")
    compare("job-with-everything", world.plan().creations[0])


SPOT = {
    "nodeSelector": {"cloud.google.com/gke-spot": "true", "disk": "slow"},
    "tolerations": [{"key": "cloud.google.com/gke-spot", "operator": "Exists", "effect": "NoSchedule"}],
}


def test_job_that_may_be_interrupted() -> None:
    world = World(settings=settings(interruptible=SPOT))
    own = {
        "strategy": "FineTuning",
        "fineTuning": {"unfreeze": "All"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    }
    world.create(training=own)
    undisturbed = pod_of(world)
    assert undisturbed["nodeSelector"] == own["nodeSelector"]
    assert undisturbed["tolerations"] == own["tolerations"]
    world.edit(training=own | {"interruptible": True})
    spot = pod_of(world)
    assert spot["nodeSelector"] == {"cloud.google.com/gke-spot": "true", "disk": "ssd"}, "the user's word is the last"
    assert spot["tolerations"] == [*undisturbed["tolerations"], *SPOT["tolerations"]]
    world.settings = settings()
    assert pod_of(world) == undisturbed, "without such settings it runs where all others do"


def pod_of(world: World) -> dict[str, Any]:
    """Return the training pod that would be created."""
    return dict(world.plan().creations[0]["spec"]["template"]["spec"])


def test_version_and_inference_service() -> None:
    world = World()
    world.create()
    world.settle()
    world.succeed()
    plan = world.plan()
    compare("controller-revision", plan.creations[0])
    compare("inference-service", plan.applies[0])


def test_inference_service_with_everything() -> None:
    world = World()
    world.create(
        output={"uri": "s3://models"},
        serving={
            "minReplicas": 1,
            "maxReplicas": 8,
            "containerConcurrency": 2,
            "resources": {"limits": {"cpu": 2, "memory": "2Gi"}},
            "serviceAccountName": "predictor",
        },
    )
    world.settle()
    world.succeed()
    compare("inference-service-with-everything", world.plan().applies[0])
