"""A predictor that asks for a GPU: the image that can use it, or a sentence; never one that is held in vain."""

from typing import Any

import pytest
from transfermodel_operator.resources import gpus, names

from tests.unit.operator.simulator import World, settings
from tests.unit.operator.test_golden import compare

pytestmark = pytest.mark.unit

IMAGE = "registry.example/predictor-gpu:1"
ONE = {"limits": {"nvidia.com/gpu": 1, "memory": "4Gi"}}
NO_IMAGE = "Its predictor's resources ask for nvidia.com/gpu, and this installation has no image"
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
}


def trained(image: str | None = IMAGE, **serving: Any) -> World:
    """Return a world in which v1 is trained, and everything that follows from it has happened."""
    world = World(settings=settings(predictorGpuImage=image) if image else settings())
    world.create(serving={"resources": ONE} | serving)
    world.settle()
    world.succeed(int8={"accuracy": "0.87", "float32Accuracy": "0.87"})
    world.settle()
    return world


def container(world: World) -> dict[str, Any]:
    """Return the predictor's container in the InferenceService."""
    (found,) = world.services["digits"]["spec"]["predictor"]["containers"]
    return dict(found)


def devices(world: World) -> list[str]:
    """Return what the predictor is told of its device."""
    return [entry["value"] for entry in container(world)["env"] if entry["name"] == "TRANSFERMODEL_DEVICE"]


@pytest.mark.parametrize("name", ["nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "nvidia.com/gpu.shared"])
def test_whoever_asks_for_a_gpu_gets_the_image_that_uses_it(name: str) -> None:
    world = trained(resources={"limits": {name: "1"}})
    assert container(world)["image"] == IMAGE
    assert devices(world) == ["cuda"]
    assert container(world)["resources"]["limits"][name] == "1"
    assert world.condition("Ready")["status"] == "True"


@pytest.mark.parametrize("resources", [None, {"limits": {"memory": "4Gi"}}, {"limits": {"nvidia.com/gpu": 0}}])
def test_for_others_nothing_changes(resources: dict[str, Any] | None) -> None:
    """Or the pods of every model would be started anew when an image for GPUs is set."""
    with_image, without = (trained(image, resources=resources) for image in (IMAGE, None))
    assert with_image.services["digits"]["spec"] == without.services["digits"]["spec"]
    assert (
        with_image.services["digits"]["metadata"]["annotations"]
        == (without.services["digits"]["metadata"]["annotations"])
    )
    assert container(with_image)["image"] == "registry.example/predictor:1"
    assert devices(with_image) == []


def test_inference_service_with_a_gpu() -> None:
    world = World(settings=settings(predictorGpuImage=IMAGE))
    world.create(serving={"resources": ONE})
    world.settle()
    world.succeed()
    compare("inference-service-with-a-gpu", world.plan().applies[0])


@pytest.mark.parametrize(
    ("image", "serving", "says"),
    [
        (None, {}, f"{NO_IMAGE} for predictors with a GPU. Have the platform's owner set images.predictorGpu"),
        (IMAGE, {"precision": "Int8"}, "only processors compute 8-bit integers. Set spec.serving.precision to Float32"),
        (IMAGE, {"resources": {"limits": {"amd.com/gpu": 1}}}, "predictors cannot use amd.com/gpu. Ask for nvidia.com"),
    ],
)
def test_a_gpu_that_would_be_held_in_vain_is_not_asked_for(
    image: str | None, serving: dict[str, Any], says: str
) -> None:
    world = trained(image, **serving)
    assert not world.services
    condition = world.condition("Serving")
    assert (condition["status"], condition["reason"]) == ("False", "GpuNotUsable")
    assert condition["message"].startswith("v1 is not served. Its predictor's resources ask for ")
    assert says in condition["message"]
    assert condition["message"].endswith("take it out of spec.serving.resources to serve on the processor.")
    assert [event.type for event in world.events if event.reason == "GpuNotUsable"] == ["Warning"]
    assert world.plan().writes == 0
    world.edit(serving={})
    world.settle()
    assert world.traffic() == {"v1": 100}
    assert world.jobs_created == 1


def test_what_serves_goes_on_where_a_gpu_is_refused() -> None:
    world = trained(None, resources=None)
    before = world.services["digits"]["spec"]
    world.edit(serving={"resources": ONE})
    world.settle()
    assert world.services["digits"]["spec"] == before
    assert world.condition("Serving")["message"].endswith("to serve on the processor; v1 serves meanwhile.")
    assert world.traffic() == {"v1": 100}


def test_a_version_from_before_there_was_an_image_takes_the_one_of_today() -> None:
    world = trained(None)
    assert world.condition("Serving")["reason"] == "GpuNotUsable"
    world.settings = settings(predictorGpuImage=IMAGE)
    world.settle()
    assert container(world)["image"] == IMAGE
    assert world.traffic() == {"v1": 100}
    assert world.jobs_created == 1, "nobody trains again for it"


def test_a_version_keeps_the_image_that_it_was_recorded_with() -> None:
    world = trained()
    world.settings = settings(predictorGpuImage="registry.example/predictor-gpu:2")
    world.settle()
    assert container(world)["image"] == IMAGE
    world.settings = settings()
    world.settle()
    assert container(world)["image"] == IMAGE, "and serves on when the chart has none any more"
    assert world.condition("Ready")["status"] == "True"


def predictor_pod(world: World, revision: str, status: dict[str, Any], node: str | None) -> None:
    """Give a Revision a pod."""
    world.pods[revision] = {
        "metadata": {"name": revision, "labels": {names.MODEL_LABEL: "digits", names.REVISION_LABEL: revision}},
        "spec": {"containers": [container(world)]} | ({"nodeName": node} if node else {}),
        "status": status,
    }


def waiting_for_the_gpu(holder_phase: str = "Running") -> World:
    """Return a world in which v2 waits, and a pod of v1 is there."""
    world = trained()
    predictor_pod(world, "digits-predictor-00001", {"phase": holder_phase}, "node-1")
    world.edit(training={"seed": 1})
    world.settle()
    world.succeed()
    world.reconcile()
    world.serve(ready=False)
    predictor_pod(world, "digits-predictor-00002", {"phase": "Pending", "conditions": [UNSCHEDULABLE]}, None)
    world.reconcile()
    return world


def test_two_versions_and_one_gpu() -> None:
    world = waiting_for_the_gpu()
    serving = world.condition("Serving")
    assert (serving["status"], serving["reason"]) == ("False", "Unschedulable")
    assert serving["message"] == (
        "v2 cannot start. No node can take the pod: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu. Ask for "
        "less in spec.serving.resources, or add a node that has it. A pod of the revision that serves has "
        "nvidia.com/gpu until this one is ready, so neither moves. Add a node that has a free one for as long as that "
        "takes; or let the former one go: without requests it scales to its minReplicas, and `kubectl delete "
        "inferenceservice digits -n demo` ends it at once. The new one is then deployed by itself, and nothing answers "
        "until it is ready. v1 serves meanwhile."
    )
    assert world.traffic() == {"v1": 100}


def test_what_is_advised_ends_the_deadlock() -> None:
    world = waiting_for_the_gpu()
    world.delete("InferenceService", "digits")
    world.pods.clear()
    world.settle()
    assert world.traffic() == {"v2": 100}
    assert world.condition("Ready")["status"] == "True"


def test_the_advice_stays_when_knative_has_given_up() -> None:
    world = waiting_for_the_gpu()
    del world.pods["digits-predictor-00002"]
    world.break_revision(message="Initial scale was never achieved")
    world.reconcile()
    message = world.condition("Serving")["message"]
    assert (
        "Knative says: Initial scale was never achieved. A pod of the revision that serves has nvidia.com/gpu"
        in message
    )


def test_a_pod_that_has_ended_holds_no_gpu() -> None:
    world = waiting_for_the_gpu(holder_phase="Succeeded")
    assert world.condition("Serving")["reason"] == "Unschedulable"
    assert "kubectl delete" not in world.condition("Serving")["message"]


def test_one_that_crashes_with_a_gpu_of_its_own_waits_for_none() -> None:
    world = waiting_for_the_gpu()
    predictor_pod(world, "digits-predictor-00002", {"phase": "Running"}, "node-1")
    revision = world.revisions["digits-predictor-00002"]
    assert gpus.deadlock(revision, tuple(world.pods.values())) == ""
