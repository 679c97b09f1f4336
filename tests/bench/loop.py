"""From `kubectl apply` to the first prediction, and what the operator writes meanwhile."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

from tests.bench.audit import AuditLog
from tests.bench.figures import Figure
from tests.support import datasets
from tests.support.specs import quick_spec
from tests.support.stack import Stack, Workspace
from tests.support.waiting import wait_for

OVERHEAD_TARGET_SECONDS = 10.0
WRITES_TARGET = 14.0
WRITES_WITHOUT_PROGRESS_TARGET = 8.0
SLEEPERS = 4
EPOCHS = 30
"""Enough that a run is long enough for every progress update that there is."""


def first_prediction(stack: Stack, rounds: int) -> list[Figure]:
    """Measure apply -> first prediction, whole and less what the trainer itself took."""
    whole, by_result, by_container = [], [], []
    for _ in range(rounds):
        with stack.workspace("bench") as workspace:
            train = workspace.upload("train", datasets.folder())
            begun = time.monotonic()
            workspace.apply("loop", quick_spec(train))
            wait_for(
                lambda w=workspace: _answers(w, "loop"),  # type: ignore[misc]
                timeout_seconds=300,
                interval_seconds=0.1,
                what="a first prediction",
                explain=lambda w=workspace: w.explain("loop"),  # type: ignore[misc]
            )
            seconds = time.monotonic() - begun
            whole.append(seconds)
            by_result.append(seconds - _trainer_seconds(workspace, "loop"))
            by_container.append(seconds - _container_seconds(workspace, "loop"))
    return [
        Figure("apply -> first prediction", "s", tuple(whole), note="36 images, two epochs"),
        Figure(
            "the same less the trainer's own seconds",
            "s",
            tuple(by_result),
            OVERHEAD_TARGET_SECONDS,
            "its seconds.total: without its start and its imports",
        ),
        Figure("the same less the trainer container's run", "s", tuple(by_container), note="known to the second"),
    ]


def writes(stack: Stack, audit: AuditLog, rounds: int) -> list[Figure]:
    """Count what the operator writes from apply to the end of the deletion, and print it once by kind."""
    every, without = [], []
    for number in range(rounds):
        with stack.workspace("bench") as workspace:
            start = audit.position()
            train = workspace.upload("train", datasets.folder(per_class=40))
            spec = quick_spec(train)
            spec["training"]["fineTuning"]["epochs"] = EPOCHS
            workspace.apply("loop", spec)
            workspace.wait_ready("loop", timeout_seconds=600)
            workspace.predict("loop", [datasets.picture("red", 500)])
            _wait_zero_pods(workspace, "loop")
            workspace.predict("loop", [datasets.picture("red", 500)])
            workspace.delete("loop")
            wait_for(lambda w=workspace: not w.remains("loop"), timeout_seconds=120, what="nothing remains")  # type: ignore[misc]
            found = [write for write in audit.since(start) if write.namespace == workspace.namespace]
        counted = [write for write in found if write.resource not in ("events", "leases")]
        progress = [write for write in counted if write.progress]
        every.append(float(len(counted)))
        without.append(float(len(counted) - len(progress)))
        if number == 0:
            print("Writes of the first round:")
            for line, times in Counter(str(write) for write in counted).items():
                print(f"  {times:3}  {line}")
    note = "apply, train, serve, zero pods, wake, delete; Events and the Lease not counted"
    return [
        Figure("API writes of the operator, with progress", "writes", tuple(every), WRITES_TARGET, note),
        Figure("the same without progress", "writes", tuple(without), WRITES_WITHOUT_PROGRESS_TARGET, note),
    ]


def wake(stack: Stack, rounds: int) -> list[Figure]:
    """Measure the answer to a request that finds no pod, through the ingress.

    Knative drains a pod for about half a minute: several models take turns, each with no pod left at all.
    """
    seconds = []
    names = [f"sleeper-{number}" for number in range(min(SLEEPERS, rounds))]
    with stack.workspace("bench") as workspace:
        train = workspace.upload("train", datasets.folder())
        for name in names:
            workspace.apply(name, quick_spec(train))
            workspace.wait_ready(name, timeout_seconds=300)
        for number in range(rounds):
            name = names[number % len(names)]
            _wait_zero_pods(workspace, name)
            begun = time.monotonic()
            workspace.predict(name, [datasets.picture("red", 500)])
            seconds.append(time.monotonic() - begun)
    return [Figure("wake from zero pods, through the ingress", "s", tuple(seconds), 2.0, "ResNet-18 at 32 px")]


def _wait_zero_pods(workspace: Workspace, name: str) -> None:
    selector = f"serving.kserve.io/inferenceservice={name}"
    wait_for(lambda: not workspace.pods(selector), timeout_seconds=300, what="zero pods")


def _answers(workspace: Workspace, name: str) -> bool:
    if not workspace.status(name).get("url"):
        return False
    try:
        workspace.predict(name, [datasets.picture("red", 500)], timeout_seconds=10)
    except (AssertionError, httpx.HTTPError):
        return False
    return True


def _trainer_seconds(workspace: Workspace, name: str) -> float:
    def records() -> Iterator[dict[str, Any]]:
        for item in workspace.objects("ControllerRevision", "apps/v1", f"transferlearning.dev/transfermodel={name}"):
            yield item["data"]["result"]

    (record,) = records()
    return float(record["seconds"]["total"])


def _container_seconds(workspace: Workspace, name: str) -> float:
    for pod in workspace.pods(f"transferlearning.dev/transfermodel={name},transferlearning.dev/run"):
        for container in pod["status"].get("containerStatuses") or []:
            if container["name"] == "trainer" and (ended := container["state"].get("terminated")):
                moments = (datetime.fromisoformat(ended[key]) for key in ("startedAt", "finishedAt"))
                started, finished = moments
                return (finished - started).total_seconds()
    raise AssertionError("the trainer's pod is gone: its times are not known")
