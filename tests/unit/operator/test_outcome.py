"""What a Job and its pods say, as a condition."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from transfermodel_operator.resources import names

from tests.unit.operator.simulator import World, failure, result

pytestmark = pytest.mark.unit


def pod_of(world: World) -> dict[str, Any]:
    """Return the only training pod."""
    (pod,) = world.pods.values()
    return pod


def waits(reason: str, message: str) -> Callable[[World], None]:
    """The container waits."""

    def arrange(world: World) -> None:
        state = {"waiting": {"reason": reason, "message": message}}
        status = {"name": names.TRAINER_CONTAINER, "image": "registry.example/trainer:1", "state": state}
        pod_of(world)["status"] |= {"phase": "Pending", "containerStatuses": [status]}

    return arrange


def unschedulable(world: World) -> None:
    """No node can take the pod."""
    message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    pod_of(world)["status"] = {"phase": "Pending", "conditions": [condition]}


def no_volume(message: str) -> Callable[[World], None]:
    """The scheduler waits for a claim."""

    def arrange(world: World) -> None:
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        pod_of(world)["status"] = {"phase": "Pending", "conditions": [condition]}

    return arrange


def creating(world: World) -> None:
    """The node pulls the image for long."""
    waits("ContainerCreating", "")(world)
    world.tick(11)


def ends(code: int, message: str, reason: str = "Error", *, job: str = "") -> Callable[[World], None]:
    """The trainer ends, and perhaps the Job."""

    def arrange(world: World) -> None:
        world.end_pod(pod_of(world)["metadata"]["name"], code, message, reason)
        if job:
            world.end_job(next(iter(world.jobs)), job)

    return arrange


def evicted(times: int) -> Callable[[World], None]:
    """The cluster takes pods away."""

    def arrange(world: World) -> None:
        (job,) = world.jobs
        for index in range(times):
            name = world.start_pod(job) if index else pod_of(world)["metadata"]["name"]
            world.interrupt(name, 137, gone=False)
            world.tick(5)

    return arrange


def vanished(world: World) -> None:
    """The Job failed, and its pods are gone."""
    (job,) = world.jobs
    world.pods.clear()
    world.end_job(job, "Failed")


def nothing(world: World) -> None:
    """The pod just runs."""


TABLE = [
    ("running", nothing, "Unknown", "Running", "Training"),
    ("pulling", creating, "Unknown", "PullingImage", "pulls"),
    (
        "missing secret",
        waits("CreateContainerConfigError", 'secret "absent" not found'),
        "False",
        "SecretNotFound",
        '"absent"',
    ),
    ("no image", waits("ImagePullBackOff", "Back-off"), "False", "ImagePullFailed", "registry.example/trainer:1"),
    (
        "no image, the cause",
        waits("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: no such host'),
        "False",
        "ImagePullFailed",
        "cannot be pulled: no such host.",
    ),
    ("cannot start", waits("RunContainerError", "no such device"), "False", "RunFailed", "no such device"),
    ("too big", unschedulable, "False", "Unschedulable", "Insufficient nvidia.com/gpu. Ask for less"),
    (
        "a claim that is not there",
        no_volume('0/1 nodes are available: persistentvolumeclaim "flowers" not found.'),
        "False",
        "VolumeNotReady",
        'persistentvolumeclaim "flowers" not found. Create the PersistentVolumeClaim in this namespace',
    ),
    (
        "a claim that is not bound",
        no_volume("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
        "False",
        "VolumeNotReady",
        "unbound immediate PersistentVolumeClaims. Create",
    ),
    (
        "user error, known before the Job says so",
        ends(42, failure("User", "TooFewClasses", "Only one class.")),
        "False",
        "TooFewClasses",
        "Only one class.",
    ),
    ("user error", ends(42, failure("User", "EmptyClass"), job="Failed"), "False", "EmptyClass", "Mend it."),
    ("crash, once", ends(1, "Traceback: boom"), "False", "RunFailed", "boom. The Job tries once more."),
    ("crash", ends(1, "Traceback: boom", job="Failed"), "False", "RunFailed", "code 1, and its last words were"),
    ("killed", ends(137, "", job="Failed"), "False", "RunFailed", "code 137 (it was killed)."),
    (
        "out of memory",
        ends(137, "", "OOMKilled", job="Failed"),
        "False",
        "OutOfMemory",
        "Raise spec.training.resources.limits.memory (now 4Gi)",
    ),
    (
        "storage",
        ends(1, failure("Storage", "StorageUnavailable"), job="Failed"),
        "False",
        "StorageUnavailable",
        "The next attempt is at 2026-01-01T00:01:00Z.",
    ),
    ("evicted", evicted(1), "Unknown", "Retrying", "(once so far)"),
    ("evicted twice", evicted(2), "Unknown", "Retrying", "(2 times so far)"),
    ("ended by SIGTERM", ends(143, ""), "Unknown", "Retrying", "(once so far)"),
    ("evicted too often", evicted(20), "False", "RunFailed", "20 times"),
    ("no trace", vanished, "False", "RunFailed", "said the Job."),
    ("no result", ends(0, "done!", job="Complete"), "False", "RunFailed", "done!"),
    ("another's result", ends(0, "", job="Complete"), "False", "RunFailed", "it wrote nothing"),
]


@pytest.mark.parametrize(("what", "arrange", "status", "reason", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_trained(what: str, arrange: Callable[[World], None], status: str, reason: str, says: str) -> None:
    world = World()
    world.create()
    world.settle()
    world.start_pod(next(iter(world.jobs)))
    arrange(world)
    world.settle()
    trained = world.condition("Trained")
    assert (trained["status"], trained["reason"]) == (status, reason)
    assert says in trained["message"]
    assert trained["message"].endswith((".", ")"))
    ready = world.condition("Ready")
    assert (ready["status"], ready["reason"]) == (status, reason)


def test_the_result_of_another_run_is_no_result() -> None:
    world = World()
    world.create()
    world.settle()
    (job,) = world.jobs
    world.end_pod(world.start_pod(job), 0, result(world.request_of(job) | {"run": "f" * 64}))
    world.end_job(job, "Complete")
    world.settle()
    assert "another run" in world.condition("Trained")["message"]
    assert world.recorded == {}


def test_a_data_error_is_the_finding_of_data_ready() -> None:
    world = World()
    world.create()
    world.settle()
    world.fail(42, failure("User", "DataNotFound", "There is nothing at s3://x."))
    world.settle()
    assert world.condition("DataReady")["reason"] == "DataNotFound"
    assert world.status()["stage"] == "Failed"
    warnings = [event for event in world.events if event.type == "Warning"]
    assert [(event.reason, event.message) for event in warnings] == [("DataNotFound", "There is nothing at s3://x.")]


def test_a_refused_pod_says_why() -> None:
    world = World()
    world.create()
    world.settle()
    (job,) = world.jobs
    world.warnings[job] = 'pods "digits" is forbidden: exceeded quota: tiny'
    world.settle()
    trained = world.condition("Trained")
    assert (trained["reason"], trained["status"]) == ("PodNotCreated", "False")
    assert "exceeded quota: tiny" in trained["message"]


def test_twenty_evictions_stop_the_job_and_leave_it_as_the_record() -> None:
    world = World()
    world.create()
    world.settle()
    (job,) = world.jobs
    for number in range(1, 21):
        pod = world.start_pod(job)
        world.settle()
        world.mark_disrupted(pod)
        world.settle()
        assert world.status()["training"]["interruptions"] == number
        if pod in world.pods:  # the last one goes with the suspension
            world.interrupt(pod, marked=False)  # deleted: nothing but the status knows of it
        world.tick(60)
        world.settle()
    assert "taken away 20 times" in world.condition("Trained")["message"]
    assert world.jobs[job]["spec"]["suspend"] is True
    assert world.jobs_created == 1
    world.models["digits"].pop("status")
    world.settle()
    assert "taken away too often" in world.condition("Trained")["message"]
    world.annotate(names.RUN_REQUESTED_ANNOTATION, "again")
    world.settle()
    assert world.jobs_created == 2


def test_storage_errors_are_retried_with_backoff() -> None:
    world = World()
    world.create()
    world.settle()
    for attempt, minutes in enumerate((1, 2, 4, 8, 16, 32, 60, 60), start=1):
        assert world.jobs_created == attempt
        world.fail(1, failure("Storage", "StorageUnavailable"))
        world.settle()
        assert world.plan().again_after_seconds == pytest.approx(minutes * 60)
        world.tick(minutes * 60 - 1)
        world.settle()
        assert world.jobs_created == attempt
        world.tick(1)
        world.settle()
    assert len(world.jobs) == 1, "the Jobs of former attempts are gone"


@pytest.mark.parametrize(("code", "kind", "reason"), [(42, "User", "DataInvalid"), (1, "Run", "TrainingDiverged")])
def test_other_failures_wait_for_somebody(code: int, kind: str, reason: str) -> None:
    world = World()
    world.create()
    world.settle()
    world.fail(code, failure(kind, reason))
    world.settle()
    world.tick(100_000)
    world.settle()
    world.edit(serving={"maxReplicas": 2})
    world.settle()
    assert world.jobs_created == 1
    world.annotate(names.RUN_REQUESTED_ANNOTATION, "please")
    world.settle()
    assert world.jobs_created == 2
    world.fail(code, failure(kind, reason))
    world.settle()
    assert world.jobs_created == 2
    training = world.models["digits"]["spec"]["training"]
    world.edit(training=training | {"resources": {"limits": {"memory": "8Gi"}}})
    world.settle()
    assert world.jobs_created == 3
    assert world.status()["training"]["attempt"] == 3


def test_a_result_that_went_with_its_pod_is_fetched_by_another_attempt() -> None:
    world = World()
    world.create()
    world.settle()
    world.succeed()
    world.pods.clear()
    world.settle()
    assert world.jobs_created == 2
    world.succeed(reused=True)
    world.settle()
    assert world.status()["usage"]["trainingSeconds"] == 0
    assert world.condition("Ready")["status"] == "True"


@pytest.mark.parametrize(("code", "marked", "gone"), [(143, True, True), (137, True, False), (143, False, True)])
def test_an_interruption_is_told_once_and_the_run_goes_on(code: int, marked: bool, gone: bool) -> None:
    world = World()
    world.create()
    world.settle()
    (job,) = world.jobs
    first = world.start_pod(job)
    world.progress[first] = json.dumps({"progress": {"phase": "Training", "percent": 60}})
    world.settle()
    world.mark_disrupted(first) if marked else None
    world.settle()
    world.tick(10)
    world.end_pod(first, code, "")
    world.settle()
    world.judge_pod(first)
    if gone:
        del world.pods[first]
    world.settle()
    assert world.condition("Trained")["reason"] == "Retrying"
    assert (world.status()["stage"], world.status()["training"]["percent"]) == ("Training", 60)
    second = world.start_pod(job)
    world.tick(10)
    world.settle()
    trained = world.condition("Trained")
    assert trained["reason"] == "Running"
    assert trained["message"] == f"Training goes on in pod {second} from its checkpoint: it was interrupted once."
    assert (world.status()["stage"], world.status()["training"]["percent"]) == ("Training", 60)
    assert [event.reason for event in world.events] == ["Running", "Retrying", "Running"]
    world.end_pod(second, 0, result(world.request_of(job)))
    world.judge_pod(second)
    world.settle()
    assert world.jobs_created == 1
    assert [version["name"] for version in world.status()["versions"]] == ["v1"]
    assert world.status()["training"]["interruptions"] == 1
    world.models["digits"].pop("status")
    world.settle()
    assert world.status()["training"]["interruptions"] == 1, "the version remembers"


def test_an_interruption_beside_a_crash_does_not_count_as_one() -> None:
    world = World()
    world.create()
    world.settle()
    (job,) = world.jobs
    crashed = world.start_pod(job)
    world.end_pod(crashed, 1, "Traceback: boom")
    world.judge_pod(crashed)
    for marked in (True, False, True):
        world.tick(5)
        world.interrupt(world.start_pod(job), marked=marked, gone=not marked)
        world.settle()
        assert world.condition("Trained")["reason"] == "Retrying"
    world.tick(5)
    again = world.start_pod(job)
    world.end_pod(again, 1, "Traceback: boom")
    world.settle()
    assert "The Job tries once more" not in world.condition("Trained")["message"]
    world.judge_pod(again)
    world.settle()
    assert world.condition("Trained")["reason"] == "RunFailed"


def test_another_attempt_counts_its_own_interruptions() -> None:
    world = World()
    world.create()
    world.settle()
    (job,) = world.jobs
    world.interrupt(world.start_pod(job))
    world.settle()
    world.tick(5)
    pod = world.start_pod(job)
    world.end_pod(pod, 42, failure("User", "DataInvalid"))
    world.judge_pod(pod)
    world.settle()
    world.annotate(names.RUN_REQUESTED_ANNOTATION, "again")
    world.settle()
    assert world.status()["training"] == {"run": world.status()["training"]["run"], "attempt": 2}


def test_a_pod_that_was_done_before_its_node_was_drained_was_not_interrupted() -> None:
    world = World()
    world.create(serving={"mode": "None"})
    world.settle()
    (job,) = world.jobs
    pod = world.start_pod(job)
    world.end_pod(pod, 0, result(world.request_of(job)))
    world.mark_disrupted(pod)
    world.judge_pod(pod)
    world.settle()
    assert "interruptions" not in world.status()["training"]
    assert world.condition("Trained")["message"].endswith("trained on cpu.")
