"""Windows open and close in the simulated cluster, and nothing is restarted for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from transfermodel_operator.observed import Refusal
from transfermodel_operator.resources import names

from tests.unit.operator.simulator import World, settings

pytestmark = pytest.mark.unit

FIRST, SECOND = "digits-predictor-00001", "digits-predictor-00002"
MORNING = {"schedule": "0 8 * * *", "durationSeconds": 3600, "replicas": 2}
RUSH = {"schedule": "30 8 * * *", "durationSeconds": 3600, "replicas": 3}


def served(now: str = "2026-01-05T07:00", **serving: Any) -> World:
    """Return a world in which v1 serves."""
    world = World(now=datetime.fromisoformat(now).replace(tzinfo=UTC))
    world.create(serving=serving)
    world.run_to_ready()
    return world


def warm(*windows: dict[str, Any]) -> dict[str, Any]:
    """Return spec.serving with windows."""
    return {"warm": list(windows)}


def to(world: World, now: str) -> None:
    """Let it become a time, and the operator have its look."""
    world.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    world.settle()


def test_a_window_opens_and_closes_without_a_new_revision() -> None:
    world = served(**warm(MORNING, RUSH))
    inference_service = world.services["digits"]["spec"]
    assert world.scale_of(FIRST) == (0, 3)
    assert "without requests it scales" in world.condition("Serving")["message"]
    assert world.plan().again_after_seconds == 3600
    before = len(world.events)
    for now, pods, again in (("08:00", 2, 1800), ("08:30", 3, 1800), ("09:00", 3, 1800)):
        to(world, f"2026-01-05T{now}")
        assert world.scale_of(FIRST) == (pods, 3)
        assert world.plan().writes == 0
        assert world.plan().again_after_seconds == again
        assert world.condition("Serving")["message"] == f"v1 serves; at this hour at least {pods} pods are kept."
    to(world, "2026-01-05T09:30")
    assert world.scale_of(FIRST) == (0, 3)
    assert world.condition("Serving")["message"].endswith("scales to its minReplicas.")
    assert world.plan().again_after_seconds == 22.5 * 3600
    assert list(world.revisions) == [FIRST]
    assert world.services["digits"]["spec"] == inference_service
    assert len(world.events) == before, "an hour is nothing to tell of"


def test_windows_may_come_and_go_without_a_new_revision() -> None:
    world = served(now="2026-01-05T08:10")
    world.edit(serving=warm(MORNING))
    world.settle()
    assert world.scale_of(FIRST) == (2, 3)
    world.edit(serving={})
    world.settle()
    assert world.scale_of(FIRST) == (0, 3)
    assert list(world.revisions) == [FIRST]
    assert world.plan().again_after_seconds is None


def test_min_replicas_is_the_least_at_any_hour() -> None:
    world = served(minReplicas=3, maxReplicas=5, **warm(MORNING, RUSH | {"replicas": 5}))
    to(world, "2026-01-05T08:10")
    assert world.scale_of(FIRST) == (3, 5)
    to(world, "2026-01-05T08:40")
    assert world.scale_of(FIRST) == (5, 5)


def test_a_candidate_has_the_pods_of_the_hour_before_it_takes_the_traffic() -> None:
    world = served(**warm(MORNING))
    to(world, "2026-01-05T08:10")
    world.edit(serving={"maxReplicas": 4, **warm(MORNING)})
    world.reconcile()
    world.serve(ready=False)
    world.reconcile()
    assert world.scale_of(SECOND) == (0, 4), "it is not ready"
    assert world.scale_of(FIRST) == (2, 3)
    world.make_ready("digits")
    world.propagate("digits")
    world.reconcile()
    assert world.scale_of(SECOND) == (2, 4)
    assert world.services["digits"]["spec"]["predictor"]["canaryTrafficPercent"] == 0
    world.settle()
    assert world.traffic() == {"v1": 100}
    assert world.status()["serving"]["revision"] == SECOND
    to(world, "2026-01-05T09:00")
    assert world.scale_of(SECOND) == (0, 4)


def test_what_serves_beside_a_candidate_that_fails_keeps_its_own_hours() -> None:
    world = served(minReplicas=1, **warm(MORNING))
    world.edit(serving={"maxReplicas": 2, **warm(MORNING)})
    world.reconcile()
    world.create_revision("digits")
    world.break_revision()
    to(world, "2026-01-05T08:00")
    assert world.status()["serving"]["revision"] == FIRST
    assert world.scale_of(FIRST) == (2, 3)
    to(world, "2026-01-05T09:00")
    assert world.scale_of(FIRST) == (1, 3), "the minimum that it was made with"


def test_an_older_revisions_maximum_is_respected() -> None:
    world = served(maxReplicas=1)
    world.edit(serving={"maxReplicas": 3, **warm(RUSH)})
    world.reconcile()
    world.create_revision("digits")
    world.break_revision()
    to(world, "2026-01-05T08:40")
    assert world.scale_of(FIRST) == (1, 1)


def of_format_1(world: World) -> None:
    """Turn the world into what an operator of before left behind."""
    for recorded in world.recorded.values():
        predictor = recorded["data"]["predictor"]
        recorded["data"]["predictor"] = {key: predictor[key] for key in ("image", "imagePullPolicy", "resources")}


def test_an_upgrade_starts_no_pod() -> None:
    world = served()
    of_format_1(world)
    world.delete("InferenceService", "digits")
    world.settle()
    assert names.MIN_REPLICAS_ANNOTATION not in world.revisions[FIRST]["metadata"]["annotations"]
    world.settings = settings(targetConcurrency=2, progressDeadlineSeconds=30, predictorImage="registry.example/p:2")
    assert world.plan().writes == 0


def test_new_values_of_the_chart_are_for_versions_from_then_on() -> None:
    world = served()
    world.settings = settings(targetConcurrency=2, progressDeadlineSeconds=30)
    assert world.plan().writes == 0
    world.edit(training={"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}, "seed": 1})
    world.run_to_ready()
    predictor = world.services["digits"]["spec"]["predictor"]
    assert predictor["scaleTarget"] == 2
    assert predictor["annotations"]["serving.knative.dev/progress-deadline"] == "30s"


def test_a_version_of_before_gets_its_windows_by_one_new_revision() -> None:
    world = served(now="2026-01-05T08:10")
    of_format_1(world)
    world.delete("InferenceService", "digits")
    world.settle()
    world.edit(serving=warm(MORNING))
    world.settle()
    assert list(world.revisions) == [FIRST, SECOND]
    assert world.scale_of(SECOND) == (2, 3)
    to(world, "2026-01-05T09:00")
    assert world.scale_of(SECOND) == (0, 3)
    assert list(world.revisions) == [FIRST, SECOND]


def test_a_delay_is_for_every_format() -> None:
    world = served()
    of_format_1(world)
    world.edit(serving={"scaleDownDelaySeconds": 120})
    world.settle()
    assert world.services["digits"]["spec"]["predictor"]["annotations"] == {
        "autoscaling.knative.dev/scale-down-delay": "120s"
    }


@pytest.mark.parametrize(
    ("window", "says"),
    [
        (MORNING | {"timeZone": "Mars/Olympus"}, "spec.serving.warm[0]: there is no time zone 'Mars/Olympus'; use a"),
        (MORNING | {"schedule": "0 0 30 2 *"}, "spec.serving.warm[0]: '0 0 30 2 *' cannot be read: bad day-of-month"),
    ],
)
def test_a_window_that_cannot_be_understood_is_said_at_once(window: dict[str, Any], says: str) -> None:
    world = World()
    world.create(serving=warm(window))
    world.settle()
    trained = world.condition("Trained")
    assert (trained["status"], trained["reason"]) == ("False", "InvalidSpec")
    assert says in trained["message"]
    assert world.jobs == {}
    world.edit(serving=warm(MORNING))
    world.run_to_ready()
    world.edit(serving=warm(window))
    world.settle()
    assert world.condition("Serving")["message"] == "v1 goes on serving."
    assert world.traffic() == {"v1": 100}


def test_what_knative_refuses_is_said_while_the_model_serves() -> None:
    world = served(**warm(MORNING))
    world.now += timedelta(hours=1)
    world.refusals[f"Revision/{FIRST}"] = Refusal(403, "revisions is forbidden: no patch", world.now)
    world.reconcile()
    serving = world.condition("Serving")
    assert (serving["status"], serving["reason"]) == ("False", "KnativeUnavailable")
    assert "does not take the 2 pods that spec.serving.warm asks for: revisions is forbidden" in serving["message"]
    assert world.traffic() == {"v1": 100}
    world.tick(3)
    world.refusals.clear()
    world.settle()
    assert world.scale_of(FIRST) == (2, 3)
    assert world.condition("Serving")["status"] == "True"


def test_nothing_is_written_to_what_is_being_deleted() -> None:
    world = served(**warm(MORNING))
    world.services["digits"]["metadata"]["deletionTimestamp"] = world.time()
    world.now += timedelta(hours=1)
    assert world.plan().applies == ()
