"""Pods at certain hours, and for a while after the traffic: on the real autoscaler."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import datasets
from tests.support.specs import quick_spec
from tests.support.stack import Workspace
from tests.support.traffic import traffic
from tests.support.waiting import hold, wait_for

PREDICTORS = "serving.kserve.io/inferenceservice"


def running(workspace: Workspace, name: str) -> set[str]:
    """Return the uids of the predictor's pods that are ready and stay."""
    return {
        pod["metadata"]["uid"]
        for pod in workspace.pods(f"{PREDICTORS}={name}")
        if "deletionTimestamp" not in pod["metadata"]
        and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
    }


def next_minute(at_least: timedelta) -> datetime:
    """Return the next full minute that is so far away."""
    return (datetime.now(UTC) + at_least + timedelta(minutes=1)).replace(second=0, microsecond=0)


def window(opens: datetime, seconds: int, replicas: int) -> dict[str, Any]:
    """Return a window that opens at a minute of the day."""
    return {"schedule": f"{opens.minute} {opens.hour} * * *", "durationSeconds": seconds, "replicas": replicas}


def test_a_window_opens_and_closes_without_a_new_revision_and_no_request_is_lost(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    workspace.apply("warm", quick_spec(train))
    workspace.wait_ready("warm")
    (revision,) = workspace.revisions("warm")
    wait_for(lambda: not workspace.pods(f"{PREDICTORS}=warm"), timeout_seconds=120, what="zero pods")

    opens = next_minute(timedelta(seconds=5))
    workspace.patch("warm", {"spec": {"serving": {"warm": [window(opens, 60, 2)]}}})
    before = (opens - datetime.now(UTC)).total_seconds() - 1
    hold(lambda: not workspace.pods(f"{PREDICTORS}=warm"), seconds=before, what="no pod before the hour")
    warm = wait_for(
        lambda: found if len(found := running(workspace, "warm")) == 2 else set[str](),
        timeout_seconds=45,
        what="two pods at the hour",
        explain=lambda: workspace.explain("warm"),
    )
    assert "at least 2 pods are kept" in workspace.condition("warm", "Serving")["message"]

    with traffic(workspace, "warm", datasets.picture("red", 500)) as seen:
        # One of them goes, while requests come that one can answer.
        wait_for(
            lambda: len(running(workspace, "warm")) == 1,
            timeout_seconds=150,
            what="one pod after the hour",
            explain=lambda: workspace.explain("warm"),
        )
        wait_for(
            lambda: len(workspace.pods(f"{PREDICTORS}=warm")) == 1,
            timeout_seconds=120,
            what="the other is gone",
            explain=lambda: workspace.explain("warm"),
        )
        assert running(workspace, "warm") < warm, "no pod was started anew"
    assert seen.failures == []
    assert len(seen.answers) > 100
    wait_for(lambda: not workspace.pods(f"{PREDICTORS}=warm"), timeout_seconds=120, what="zero pods again")
    assert [r["metadata"]["uid"] for r in workspace.revisions("warm")] == [revision["metadata"]["uid"]]
    assert "minReplicas" in workspace.condition("warm", "Serving")["message"]


def test_a_delay_keeps_the_last_pod(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    workspace.apply("late", quick_spec(train, serving={"scaleDownDelaySeconds": 60}))
    workspace.wait_ready("late")
    workspace.predict("late", [datasets.picture("green", 3)])
    (pod,) = wait_for(lambda: running(workspace, "late"), timeout_seconds=30, what="Kubernetes calls it ready, too")
    # Without it the pod would be on its way out after the cluster's stable window and grace period, 12 s here.
    hold(lambda: running(workspace, "late") == {pod}, seconds=55, what="the pod stays", interval_seconds=1)
    wait_for(lambda: not running(workspace, "late"), timeout_seconds=90, what="it goes at last")
