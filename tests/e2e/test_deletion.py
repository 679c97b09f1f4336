"""Deleting the object removes every cluster object of it within 60 s, whenever that happens; artifacts stay."""

from collections.abc import Callable

import pytest

from tests.support import datasets, operator
from tests.support.specs import quick_spec
from tests.support.stack import Workspace
from tests.support.waiting import wait_for

NAME = "doomed"


def has_active_job(workspace: Workspace) -> bool:
    """Tell whether a training pod runs."""
    return any(job.get("status", {}).get("active") for job in workspace.jobs(NAME))


def has_pod_running(workspace: Workspace) -> bool:
    """Tell whether the trainer's container runs."""
    return any(pod["status"].get("phase") == "Running" for pod in workspace.pods("job-name"))


def is_deploying(workspace: Workspace) -> bool:
    """Tell whether the InferenceService was written."""
    return bool(workspace.inference_service(NAME))


def is_ready(workspace: Workspace) -> bool:
    """Tell whether it serves."""
    return workspace.condition(NAME, "Ready").get("status") == "True"


def assert_gone(workspace: Workspace) -> None:
    """Wait for at most 60 s until nothing of it is left in the cluster."""
    wait_for(
        lambda: not workspace.model(NAME) and not workspace.remains(NAME),
        timeout_seconds=60,
        what="every cluster object is gone",
        explain=lambda: str(workspace.remains(NAME)),
    )


@pytest.mark.parametrize("stage", [has_active_job, has_pod_running, is_deploying, is_ready])
def test_deletion_at_every_stage(workspace: Workspace, stage: Callable[[Workspace], bool]) -> None:
    train = workspace.upload("train", datasets.folder())
    workspace.apply(NAME, quick_spec(train))
    wait_for(
        lambda: stage(workspace),
        timeout_seconds=120,
        what=stage.__name__,
        explain=lambda: workspace.explain(NAME),
        interval_seconds=0.1,
    )
    workspace.delete(NAME)
    assert_gone(workspace)
    if stage is is_ready:
        assert any(key.endswith("/result.json") for key in workspace.artifacts(NAME)), "artifacts stay in storage"


@pytest.mark.alone
def test_deletion_while_the_operator_is_down(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    workspace.apply(NAME, quick_spec(train))
    workspace.wait_ready(NAME)
    with operator.stopped(workspace.stack):
        workspace.delete(NAME)
        assert_gone(workspace)
