"""The operator is killed, stopped, uninstalled; the end is the same as undisturbed, and no work is done twice."""

from collections.abc import Callable

import pytest

from tests.support import datasets, operator
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import OPERATOR_NAMESPACE, Workspace
from tests.support.waiting import hold, wait_for

pytestmark = pytest.mark.alone
NAME = "survivor"


def job_exists(workspace: Workspace) -> bool:
    """The Job was just created."""
    return bool(workspace.jobs(NAME))


def training_runs(workspace: Workspace) -> bool:
    """The trainer's container runs."""
    return any(pod["status"].get("phase") == "Running" for pod in workspace.pods("job-name"))


def job_finished(workspace: Workspace) -> bool:
    """The Job has just succeeded."""
    return any(job.get("status", {}).get("succeeded") for job in workspace.jobs(NAME))


def version_recorded(workspace: Workspace) -> bool:
    """The ControllerRevision is there."""
    return bool(workspace.objects("ControllerRevision", "apps/v1"))


def service_written(workspace: Workspace) -> bool:
    """The InferenceService is there."""
    return bool(workspace.inference_service(NAME))


def outcome(workspace: Workspace) -> Manifest:
    """Return what must be equal, disturbed or not."""
    status = workspace.status(NAME)
    (version,) = status["versions"]
    return {
        "conditions": {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]},
        "stage": status["stage"],
        "version": (version["name"], version["state"], version["metrics"]),
        "revisions": sorted(r["metadata"]["name"] for r in workspace.revisions(NAME)),
        "jobs": len(workspace.jobs(NAME)),
    }


def job_names_ever(workspace: Workspace) -> set[str]:
    """Return the names of all Jobs that were ever created here, from the events of the Job controller."""
    events = workspace.stack.core.list_namespaced_event(workspace.namespace).items
    return {
        e.involved_object.name for e in events if e.involved_object.kind == "Job" and e.reason == "SuccessfulCreate"
    }


@pytest.fixture(scope="module")
def undisturbed(shared_workspace: Workspace) -> Manifest:
    """The end of a run that nothing disturbs."""
    train = shared_workspace.upload("train", datasets.folder())
    shared_workspace.apply(NAME, quick_spec(train))
    shared_workspace.wait_ready(NAME)
    return outcome(shared_workspace)


@pytest.mark.parametrize("point", [job_exists, training_runs, job_finished, version_recorded, service_written])
def test_killed(workspace: Workspace, undisturbed: Manifest, point: Callable[[Workspace], bool]) -> None:
    train = workspace.upload("train", datasets.folder())
    operator.wait_ready(workspace.stack)
    workspace.apply(NAME, quick_spec(train))
    wait_for(
        lambda: point(workspace),
        timeout_seconds=120,
        what=point.__name__,
        explain=lambda: workspace.explain(NAME),
        interval_seconds=0.02,
    )
    operator.kill(workspace.stack)
    workspace.wait_ready(NAME)
    assert outcome(workspace) == undisturbed
    assert len(job_names_ever(workspace)) == 1, "exactly one Job per run"


def test_a_wiped_status_is_rebuilt_without_a_job(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    workspace.apply(NAME, quick_spec(train))
    before = workspace.wait_ready(NAME)
    revisions = {r["metadata"]["uid"] for r in workspace.revisions(NAME)}
    workspace.stack.kubectl("delete", "jobs", "--all", "-n", workspace.namespace)
    wiped = dict.fromkeys(before)  # a merge patch with null removes a field
    workspace.patch(NAME, {"status": wiped}, subresource="status")
    after = workspace.wait_ready(NAME)
    assert after["versions"] == before["versions"]
    assert after["url"] == before["url"]
    assert after["usage"] == before["usage"]
    assert workspace.jobs(NAME) == []
    assert {r["metadata"]["uid"] for r in workspace.revisions(NAME)} == revisions


def test_uninstalled_and_installed_again_with_everything_settled(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    workspace.apply(NAME, quick_spec(train))
    before = workspace.wait_ready(NAME)
    revisions = {r["metadata"]["uid"] for r in workspace.revisions(NAME)}
    jobs = {job["metadata"]["uid"] for job in workspace.jobs(NAME)}

    workspace.stack.helm("uninstall", "transfermodel", "-n", OPERATOR_NAMESPACE, "--wait")
    assert workspace.model(NAME)["status"] == before, "the CRD and its objects stay"
    workspace.stack.deploy()
    # Something that the operator surely looks at, so that "nothing happened" is not "nothing was seen".
    workspace.patch(NAME, {"spec": {"serving": {"maxReplicas": 2}}})
    wait_for(
        lambda: workspace.inference_service(NAME)["spec"]["predictor"].get("maxReplicas") == 2,
        timeout_seconds=60,
        what="the new operator has looked",
    )
    workspace.patch(NAME, {"spec": {"serving": {"maxReplicas": 3}}})
    workspace.wait_ready(NAME)
    assert {job["metadata"]["uid"] for job in workspace.jobs(NAME)} == jobs
    assert revisions <= {r["metadata"]["uid"] for r in workspace.revisions(NAME)}
    hold(lambda: len(workspace.jobs(NAME)) == len(jobs), seconds=3, what="no Job is started")


def test_applied_again_serves_the_stored_run_unless_the_data_changed(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    spec = quick_spec(train)
    workspace.apply(NAME, spec)
    first = workspace.wait_ready(NAME)["versions"][0]

    def again() -> Manifest:
        workspace.delete(NAME)
        wait_for(
            lambda: not workspace.model(NAME) and not workspace.remains(NAME), timeout_seconds=60, what="it is gone"
        )
        workspace.apply(NAME, spec)
        return dict(workspace.wait_ready(NAME)["versions"][0])

    results = {key for key in workspace.artifacts(NAME) if key.endswith("/result.json")}
    assert again()["digest"] == first["digest"]
    assert {key for key in workspace.artifacts(NAME) if key.endswith("/result.json")} == results

    workspace.upload("train", {"red/new.png": datasets.picture("red", 900)})
    assert again()["uri"] != first["uri"]
    assert len({key for key in workspace.artifacts(NAME) if key.endswith("/result.json")}) == len(results) + 1
