"""The training pod is evicted while it works; the run goes on, and ends as if nothing had happened."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import obstore
import pytest
from transfermodel_operator.api import RunProgress

from tests.support import datasets, untrained
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import Workspace
from tests.support.training_pods import evict, progress_of, running_pod, seconds_of, training_pods
from tests.support.waiting import wait_for

NAME = "interrupted"
EPOCHS = 4


def long_spec(workspace: Workspace) -> Manifest:
    """Return a run of about a minute that has something to lose in each of its phases."""
    train = workspace.upload("data", {"train.tar": datasets.tar(datasets.folder(per_class=120))})
    weights = workspace.upload("weights", {"random.safetensors": untrained.resnet18()})
    return quick_spec(
        f"{train}/train.tar",
        backbone={
            "name": "torchvision/resnet18",
            "weights": {"uri": f"{weights}/random.safetensors"},
            "input": {"size": 48},
        },
        training={
            "strategy": "FineTuning",
            "fineTuning": {"unfreeze": "All", "epochs": EPOCHS, "batchSize": 16},
            "checkpointIntervalSeconds": 5,
        },
        serving={"mode": "None"},
    )


@dataclass(frozen=True)
class Outcome:
    """What must be equal, interrupted or not."""

    metrics: dict[str, str]
    weights: str
    """sha256 of model.safetensors."""


def outcome(workspace: Workspace) -> Outcome:
    """Return the only version's."""
    (version,) = workspace.status(NAME)["versions"]
    path = version["uri"].removeprefix("s3://models/")
    manifest = json.loads(bytes(obstore.get(workspace.stack.store("models"), f"{path}/manifest.json").bytes()))
    return Outcome(version["metrics"], manifest["files"]["model.safetensors"]["sha256"])


@pytest.fixture(scope="module")
def undisturbed(shared_workspace: Workspace) -> Outcome:
    """The same run, left alone."""
    shared_workspace.apply(NAME, long_spec(shared_workspace))
    shared_workspace.wait_ready(NAME, timeout_seconds=420)
    return outcome(shared_workspace)


def computes_features(progress: RunProgress) -> bool:
    """The frozen trunk runs over the data."""
    return progress.phase == "Features"


def fine_tunes(progress: RunProgress) -> bool:
    """An epoch is done, and others are not."""
    return progress.phase == "Training" and 1 <= (progress.epoch or 0) < EPOCHS


def is_about_to_publish(progress: RunProgress) -> bool:
    """All is learnt, and nothing is published."""
    return progress.phase == "Evaluation"


def taken_away(workspace: Workspace, point: Callable[[RunProgress], bool]) -> str:
    """Evict the training pod as soon as it gets to a point; return its name."""

    def there() -> str:
        pod = running_pod(workspace)
        return pod if pod and any(point(progress) for progress in progress_of(workspace, pod)[-1:]) else ""

    pod = wait_for(
        there,
        timeout_seconds=240,
        what=point.__name__,
        explain=lambda: workspace.explain(NAME),
        interval_seconds=0.05,
    )
    evict(workspace, pod)
    return pod


def follower(workspace: Workspace, former: str) -> str:
    """Return the pod that goes on when another was taken away, once it reports."""

    def there() -> str:
        pod = running_pod(workspace)
        return pod if pod not in ("", former) and progress_of(workspace, pod) else ""

    return wait_for(there, timeout_seconds=120, what="another pod goes on", explain=lambda: workspace.explain(NAME))


def wait_trained(workspace: Workspace, beginning: str) -> None:
    """Wait until the condition Trained begins with these words."""
    wait_for(
        lambda: workspace.condition(NAME, "Trained").get("message", "").startswith(beginning),
        timeout_seconds=30,
        what=beginning,
        explain=lambda: workspace.explain(NAME),
    )


def no_failure_counted(workspace: Workspace) -> None:
    """Wait until the Job says that it is done; by then it counts one success and nothing else."""

    def job() -> Manifest:
        (only,) = workspace.jobs(NAME)
        return dict(only["status"])

    wait_for(lambda: job().get("succeeded"), timeout_seconds=60, what="the Job is done")
    assert (job()["succeeded"], job().get("failed", 0)) == (1, 0)


def test_evicted_at_three_points_a_run_ends_as_it_would_have(workspace: Workspace, undisturbed: Outcome) -> None:
    workspace.apply(NAME, long_spec(workspace))
    evicted: list[str] = []
    for count, point in enumerate((computes_features, fine_tunes, is_about_to_publish), start=1):
        evicted.append(taken_away(workspace, point))
        following = follower(workspace, evicted[-1])
        wait_trained(workspace, f"Training goes on in pod {following} from its checkpoint: it was interrupted")
        assert workspace.status(NAME)["stage"] == "Training"
        assert workspace.status(NAME)["training"]["interruptions"] == count
    status = workspace.wait_ready(NAME)

    assert len(set(evicted)) == 3
    assert outcome(workspace) == undisturbed, "the same bits as if nothing had happened"
    (version,) = status["versions"]
    assert version["name"] == "v1"
    assert (status["training"]["attempt"], status["training"]["interruptions"]) == (1, 3)
    assert "interrupted 3 times" in workspace.condition(NAME, "Trained")["message"]
    no_failure_counted(workspace)

    last = training_pods(workspace)[-1]
    phases = [progress.phase for progress in progress_of(workspace, last["metadata"]["name"])]
    assert "Features" not in phases, "what had been computed is not computed again"
    assert status["usage"]["trainingSeconds"] > seconds_of(last), "the time of the evicted pods counts"
    kept = workspace.artifacts(NAME)
    assert len([key for key in kept if key.endswith("/result.json")]) == 1
    assert not [key for key in kept if "/checkpoints/" in key], "what was kept to go on from is cleared away"

    events = [
        event.message
        for event in workspace.stack.core.list_namespaced_event(workspace.namespace).items
        if event.involved_object.kind == "TransferModel" and event.reason == "Retrying"
    ]
    assert 1 <= len(events) == len(set(events)) <= 3, "each interruption is told once"


def test_a_deleted_pod_is_no_failure_either(workspace: Workspace) -> None:
    """Nothing marks it as disrupted: only the exit code tells."""
    workspace.apply(NAME, long_spec(workspace))
    pod = ""
    for count in range(2):  # a Job that counted them would have failed
        pod = follower(workspace, pod)
        wait_trained(workspace, f"Training {'goes on ' if count else ''}in pod {pod}")
        workspace.stack.kubectl("delete", "pod", pod, "-n", workspace.namespace, "--wait=false")
    status = workspace.wait_ready(NAME, timeout_seconds=420)
    no_failure_counted(workspace)
    assert [version["name"] for version in status["versions"]] == ["v1"]
