"""A node that says it has a GPU: the run is scheduled there, is told that CUDA is missing, and its seconds count."""

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.support import datasets
from tests.support.specs import quick_spec
from tests.support.stack import Stack, Workspace
from tests.support.waiting import wait_for

GPU = "nvidia.com/gpu"
NAME = "accelerated"


def advertise(stack: Stack, node: str, amount: str | None) -> None:
    """Set or remove the node's GPUs, as the Kubernetes documentation advertises extended resources."""
    capacity = json.dumps({"status": {"capacity": {GPU: amount}, "allocatable": {GPU: amount}}})
    stack.kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", capacity)


@pytest.fixture
def gpu_node(stack: Stack) -> Iterator[str]:
    """A node with one GPU that is none, and a label of its own."""
    node = stack.core.list_node().items[0].metadata.name
    label = f"gpu-{uuid.uuid4().hex[:8]}"
    advertise(stack, node, "1")
    stack.kubectl("label", "node", node, f"tests/{label}=true")
    try:
        wait_for(
            lambda: (stack.core.read_node(node).status.allocatable or {}).get(GPU) == "1",
            timeout_seconds=60,
            what="the kubelet offers the GPU",
        )
        yield label
    finally:
        stack.kubectl("label", "node", node, f"tests/{label}-")
        advertise(stack, node, None)


def test_a_run_asks_for_a_gpu(workspace: Workspace, gpu_node: str) -> None:
    spec = quick_spec(workspace.upload("train", datasets.folder()), serving={"mode": "None"})
    spec["training"] |= {
        "resources": {"limits": {GPU: 1}},
        "nodeSelector": {f"tests/{gpu_node}": "true"},
        "interruptible": True,
        "budget": {"gpuSeconds": 3600},
    }
    workspace.apply(NAME, spec)
    status = workspace.wait_ready(NAME)
    (pod,) = workspace.pods("job-name")
    assert pod["spec"]["containers"][0]["resources"]["limits"][GPU] == "1"
    assert "A GPU was asked for but CUDA is not available" in workspace.condition(NAME, "DataReady")["message"]
    assert "trained on cpu" in workspace.condition(NAME, "Trained")["message"]
    seconds = status["usage"]["trainingSeconds"]
    assert seconds >= 1
    assert status["usage"]["gpuSeconds"] == seconds


def test_a_second_gpu_is_waited_for(workspace: Workspace, gpu_node: str) -> None:
    spec = quick_spec("s3://datasets/nothing", serving={"mode": "None"})
    spec["training"] |= {"resources": {"limits": {GPU: 2}}, "nodeSelector": {f"tests/{gpu_node}": "true"}}
    workspace.apply(NAME, spec)
    assert GPU in workspace.wait_reason(NAME, "Trained", "Unschedulable")


def test_a_gpu_that_a_predictor_could_not_use_is_not_held(workspace: Workspace) -> None:
    spec = quick_spec(workspace.upload("train", datasets.folder()), serving={"minReplicas": 1})
    spec["serving"]["resources"] = {"limits": {GPU: 1}}
    workspace.apply(NAME, spec)
    message = workspace.wait_reason(NAME, "Serving", "GpuNotUsable")
    assert "v1 is not served" in message
    assert "images.predictorGpu" in message, "what the administrator is to set"
    assert workspace.condition(NAME, "Evaluated")["status"] == "True", "what was trained is kept"
    # Without the GPU the version that is there is served, and nothing is trained again.
    workspace.patch(NAME, {"spec": {"serving": {"resources": None}}})
    (version,) = workspace.wait_ready(NAME)["versions"]
    assert version["name"] == "v1"
    assert workspace.predict(NAME, [datasets.picture("red", 500)])
