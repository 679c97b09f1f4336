"""The Job, the ControllerRevision and the InferenceService, whole.

UPDATE_GOLDEN=1 writes the files anew; read the difference before it is committed.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from transfermodel_operator.api.run import CREDENTIAL_KEYS

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


def test_job_that_reads_volumes() -> None:
    world = World()
    world.create(
        data={
            "train": {"uri": "pvc://datasets/train"},
            "validation": {"uri": "pvc://datasets.v2/validation.zip"},
            "test": {"uri": "pvc://datasets"},
            "credentialsSecretName": "s3",
        }
    )
    pod = pod_of(world)
    assert pod["volumes"][2:] == [
        {"name": "data-1", "persistentVolumeClaim": {"claimName": "datasets", "readOnly": True}},
        {"name": "data-2", "persistentVolumeClaim": {"claimName": "datasets.v2", "readOnly": True}},
    ]
    assert pod["containers"][0]["volumeMounts"][2:] == [
        {"name": "data-1", "mountPath": "/mnt/pvc/datasets", "readOnly": True},
        {"name": "data-2", "mountPath": "/mnt/pvc/datasets.v2", "readOnly": True},
    ]
    request = json.loads(pod["containers"][0]["env"][0]["value"])
    assert request["data"]["train"]["uri"] == "pvc://datasets/train"
    assert not [name for name in keys(pod) if name.startswith("TRANSFERMODEL_DATA_")], "no store is asked"


AWS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION"]
REQUIRED = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


@pytest.mark.parametrize(
    ("data", "weights", "output", "of_data", "of_output"),
    [
        ("s3://d/train", {"scratch": True}, "s3://models", ("AWS_",), ("AWS_",)),
        ("gs://d/train", {"scratch": True}, "az://models", ("GOOGLE_",), ("AZURE_",)),
        ("az://d/train", {"uri": "s3://w/a.safetensors"}, "gs://models", ("AWS_", "AZURE_"), ("GOOGLE_",)),
        ("https://d/train.zip", {"scratch": True}, "s3://models", (), ("AWS_",)),
    ],
)
def test_a_container_gets_the_keys_of_its_stores(
    data: str, weights: dict[str, Any], output: str, of_data: tuple[str, ...], of_output: tuple[str, ...]
) -> None:
    world = World()
    world.create(
        backbone={"name": "torchvision/resnet18", "weights": weights, "input": {"size": 32}},
        data={"train": {"uri": data}, "credentialsSecretName": "keys"},
        output={"uri": output, "credentialsSecretName": "keys"},
    )
    found = keys(pod_of(world))
    wanted = {f"TRANSFERMODEL_DATA_{key}" for key in CREDENTIAL_KEYS if key.startswith(of_data)}
    assert set(found) == wanted | {
        f"TRANSFERMODEL_OUTPUT_{key}" for key in CREDENTIAL_KEYS if key.startswith(of_output)
    }
    assert all(optional != (name.split("_", 2)[2] in REQUIRED) for name, optional in found.items())


def test_a_predictor_gets_the_keys_of_its_store() -> None:
    for uri, starts in (("s3://models", "AWS_"), ("gs://models", "GOOGLE_"), ("az://models", "AZURE_")):
        world = World()
        world.create(output={"uri": uri, "credentialsSecretName": "keys"})
        world.settle()
        world.succeed()
        world.reconcile()
        found = keys(world.services["digits"]["spec"]["predictor"])
        assert list(found) == [key for key in CREDENTIAL_KEYS if key.startswith(starts)]
        assert [key for key in found if not found[key]] == (sorted(REQUIRED) if starts == "AWS_" else [])
    assert [key for key in CREDENTIAL_KEYS if key.startswith("AWS_")] == AWS


def keys(pod: dict[str, Any]) -> dict[str, bool]:
    """Return a container's credentials, and whether each is optional."""
    references = {
        entry["name"]: entry["valueFrom"]["secretKeyRef"]
        for entry in pod["containers"][0]["env"]
        if "valueFrom" in entry
    }
    assert all(reference["name"] in ("keys", "s3") for reference in references.values())
    assert all(name.endswith(reference["key"]) for name, reference in references.items())
    return {name: reference.get("optional", False) for name, reference in references.items()}


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


@pytest.mark.parametrize("number", [1, 2])
def test_a_version_of_a_former_format_is_built_as_it_was(number: int) -> None:
    """Whatever is different, even by one character, would start a pod for every model at an upgrade."""
    world = World()
    world.create()
    world.settle()
    world.succeed()
    world.reconcile()
    (recorded,) = world.recorded.values()
    recorded["data"]["predictor"] = OF_FORMAT_1 if number == 1 else recorded["data"]["predictor"] | {"format": number}
    world.services.clear()
    compare(f"inference-service-of-format-{number}", world.plan().applies[0])


OF_FORMAT_1 = {
    "image": "registry.example/predictor:1",
    "imagePullPolicy": "IfNotPresent",
    "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
}


def test_inference_service_with_everything() -> None:
    world = World()
    world.create(
        output={"uri": "s3://models"},
        serving={
            "minReplicas": 1,
            "maxReplicas": 8,
            "containerConcurrency": 2,
            "scaleDownDelaySeconds": 90,
            "resources": {"limits": {"cpu": 2, "memory": "2Gi"}},
            "serviceAccountName": "predictor",
        },
    )
    world.settle()
    world.succeed()
    compare("inference-service-with-everything", world.plan().applies[0])
