"""Pods with their last words, and the story in order."""

import json

from transfermodel.cluster.description import conditions, describe, pod_view
from transfermodel.cluster.timeline import timeline

from tests.unit.library.cluster.objects import NOW, around, condition, event, pod, seen


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, object]:
    """The state of a container that has ended."""
    times = {"startedAt": "2026-01-01T11:00:02Z", "finishedAt": "2026-01-01T11:00:09Z"}
    return {"terminated": {"exitCode": code, "reason": reason, "message": message} | times}


def test_a_failure_that_the_trainer_understood_is_read_from_its_json() -> None:
    failure = {"outcome": "Failed", "failure": "User", "reason": "EmptyClass", "message": "yellow is empty."}
    view = pod_view(pod(state=ended(42, json.dumps(failure)), phase="Failed"), around())
    assert (view.problem, view.last_words, view.phase) == ("yellow is empty.", "", "Error")


def test_a_crash_has_its_last_words_with_progress_in_words() -> None:
    said = 'Reading.\n{"progress": {"phase": "Training", "percent": 40}}\nValueError: odd'
    view = pod_view(pod(state=ended(1, said), phase="Failed"), around())
    assert "code 1" in view.problem
    assert view.last_words == "Reading. 40 % Training ValueError: odd"


def test_a_predictor_out_of_memory_is_told_from_a_crash() -> None:
    view = pod_view(pod(state=ended(137, reason="OOMKilled"), trains=False), around())
    assert "spec.serving.resources.limits.memory" in view.problem
    assert view.role == "predictor"


def test_an_evicted_pod_is_no_fault_of_the_trainer() -> None:
    taken = {"type": "DisruptionTarget", "status": "True"}
    view = pod_view(pod(state=ended(137), conditions=[taken], phase="Failed"), around())
    assert "took the pod away" in view.problem


def test_a_pod_that_goes_is_called_so() -> None:
    going = pod(state={"running": {"startedAt": "2026-01-01T11:00:00Z"}}, trains=False)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T11:00:09Z"
    assert pod_view(going, around()).phase == "Terminating"


def test_a_condition_of_an_earlier_spec_is_marked() -> None:
    found = conditions(around(status=seen(condition("Trained", "True", "Succeeded") | {"observedGeneration": 0})))
    assert [(c.words, c.outdated) for c in found] == [("done", True)]


def test_scaled_to_zero_is_said_where_there_are_no_pods() -> None:
    revision = {
        "metadata": {
            "name": "digits-predictor-00001",
            "creationTimestamp": "2026-01-01T11:00:00Z",
            "labels": {"transferlearning.dev/version": "v1"},
        },
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    traffic = [{"revisionName": "digits-predictor-00001", "percent": 100}]
    service = {"metadata": {"name": "digits"}, "status": {"components": {"predictor": {"traffic": traffic}}}}
    told = describe(around(inference_service=service, revisions=(revision,)), NOW).serving
    assert "Scaled to zero" in told.note
    assert [(r.version, r.percent, r.ready) for r in told.revisions] == [("v1", 100, "True")]
    busy = describe(around(inference_service=service, revisions=(revision,), pods=(pod(trains=False),)), NOW).serving
    assert busy.note == ""


def test_the_story_is_in_order_and_says_nothing_twice() -> None:
    said = "0/1 nodes are available: 1 Insufficient cpu"
    ours = event("Unschedulable", f"No node can take the pod: {said}. Ask for less.", "TransferModel/digits")
    events = (
        event("Scheduled", "assigned"),
        event("FailedScheduling", f"{said}.", type="Warning"),
        event("Killing", "Stopping container queue-proxy"),
        event("Evicted", "The node was low on memory.", at="2026-01-01T11:00:05Z", type="Warning", count=3),
        ours,
    )
    moments = timeline(around(events=events, pods=(pod(state=ended(1)),)))
    assert [moment.what.split(":")[0] for moment in moments] == [
        "TransferModel created",
        "Unschedulable",
        "trainer started",
        "Evicted",
        "trainer ended with code 1 (Error)",
    ]
    evicted = moments[3]
    assert evicted.warning
    assert evicted.what.endswith("(3 times)")
