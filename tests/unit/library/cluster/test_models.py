"""Why a model is not ready: from its conditions, or because nobody looks at it."""

import json
from typing import Any

import pytest
from transfermodel.cluster.cluster import modality_of
from transfermodel.cluster.models import causes, glance, version_views
from transfermodel.cluster.surroundings import Surroundings
from transfermodel.cluster.types import to_wire

from tests.unit.library.cluster.objects import NOW, Manifest, around, condition, model, operator, pod, seen

ELSEWHERE = json.dumps({"trainerImage": "t", "predictorImage": "p", "watchNamespaces": ["other"]})


@pytest.mark.parametrize(
    ("conditions", "reasons"),
    [
        ([("Ready", "True", "Served")], []),
        ([("Ready", "True", "Succeeded"), ("Serving", "False", "NotServed")], []),
        (
            [("Ready", "False", "X"), ("Serving", "False", "PredictorFailed"), ("Trained", "True", "Y")],
            ["PredictorFailed"],
        ),
        (
            [("Ready", "False", "X"), ("DataReady", "False", "EmptyClass"), ("Trained", "False", "EmptyClass")],
            ["EmptyClass"],
        ),
        (
            [("Ready", "Unknown", "X"), ("Trained", "Unknown", "Running"), ("Serving", "Unknown", "Pending")],
            ["Running"],
        ),
        (
            [("Ready", "False", "X"), ("Trained", "False", "Unschedulable"), ("Serving", "False", "NotServed")],
            ["Unschedulable"],
        ),
    ],
)
def test_the_condition_that_holds_everything_up(conditions: list[tuple[str, str, str]], reasons: list[str]) -> None:
    status = seen(*(condition(*each) for each in conditions))
    assert [cause.reason for cause in causes(around(status=status), NOW)] == reasons


@pytest.mark.parametrize(
    ("operators", "reason"),
    [
        ((), "NoOperator"),
        ((operator(settings=ELSEWHERE),), "NotWatched"),
        ((operator(available=False),), "OperatorDown"),
        ((operator(),), "Reconciling"),
        (None, "Reconciling"),
    ],
)
def test_who_does_not_look(operators: Any, reason: str) -> None:
    (cause,) = causes(around(operators=operators), NOW)
    assert cause.reason == reason
    assert cause.fault
    assert cause.remedies


def test_a_change_of_a_moment_ago_is_no_fault() -> None:
    fresh = model(creationTimestamp="2026-01-01T11:59:50Z")
    (cause,) = causes(Surroundings(fresh, operators=(operator(),)), NOW)
    assert not cause.fault
    managed = [{"manager": "transfermodel-operator", "subresource": "status", "time": "2026-01-01T11:59:59Z"}]
    old = model(managedFields=managed)
    assert causes(Surroundings(old, operators=(operator(),)), NOW)[0].fault, "the operator's own writes do not count"


def test_an_operator_that_crashes_has_last_words() -> None:
    status: Manifest = {"waiting": {"reason": "CrashLoopBackOff"}}
    crashed = pod("operator-1")
    crashed["spec"]["containers"] = [{"name": "operator", "image": "o:1"}]
    last = {"terminated": {"exitCode": 1, "message": "no such setting: colour"}}
    crashed["status"]["containerStatuses"] = [{"name": "operator", "state": status, "lastState": last}]
    down = operator(available=False)
    (cause,) = causes(around(operators=(type(down)(down.deployment, (crashed,)),)), NOW)
    assert "no such setting: colour" in cause.message


def test_the_glance_shows_the_version_that_serves_and_not_the_newest() -> None:
    versions = [
        {"name": "v1", "state": "Live", "metrics": {"accuracy": "0.9"}},
        {"name": "v2", "state": "Candidate", "metrics": {"accuracy": "0.8"}},
    ]
    status = seen(condition("Ready", "True", "Served"), versions=versions, serving={"version": "v1"}, url="http://a")
    found = glance(around(status=status), NOW)
    assert (found.version, found.accuracy, found.ready, found.cause) == ("v1", "0.9", True, None)


def test_versions_come_from_their_records_and_states_from_the_status() -> None:
    owner = [{"uid": "u1", "controller": True}]

    def recorded(number: int, uid: str = "u1") -> Manifest:
        result = {"metrics": {"accuracy": "0.9"}, "metricsSplit": "test", "counts": {"train": 30, "classes": 3}}
        data = {"run": "r", "digest": "sha256:d", "uri": "s3://u", "predictor": {}, "createdAt": "2026-01-01T10:00:00Z"}
        return {
            "metadata": {"name": f"digits-v{number}", "ownerReferences": [owner[0] | {"uid": uid}]},
            "revision": number,
            "data": data | {"result": result},
        }

    status = seen(versions=[{"name": "v1", "state": "Retired"}, {"name": "v2", "state": "Live"}])
    views = version_views(model(status=status), (recorded(2), recorded(1), recorded(3, uid="of-another")))
    assert [(view.name, view.state, view.samples) for view in views] == [("v1", "Retired", 30), ("v2", "Live", 30)]
    wire = to_wire(views)[0]
    assert wire["createdAt"] == "2026-01-01T10:00:00Z"
    assert wire["accuracyLow"] is None


@pytest.mark.parametrize(
    ("task", "key"),
    [("TextClassification", "text"), ("AudioClassification", "audio"), ("ImageClassification", "image")],
)
def test_what_a_model_answers_about_is_its_task(task: str, key: str) -> None:
    assert modality_of(model({"task": task})).key == key
