"""Killed with SIGKILL anywhere in the loop, the operator ends in the same state as undisturbed."""

import asyncio
import json
from typing import Any

import pytest
from transfermodel_operator.cluster.kinds import JOBS, TRANSFER_MODELS

from tests.support.api_proxy import ApiProxy
from tests.support.operator_process import OperatorProcess
from tests.support.played import World, result_of, until

POINTS = {
    "before the Job is created": ("before", r"^POST .*/jobs$"),
    "after the Job is created": ("after", r"^POST .*/jobs$"),
    "before the version is recorded": ("before", r"^POST .*/controllerrevisions$"),
    "after the version is recorded": ("after", r"^POST .*/controllerrevisions$"),
    "before the InferenceService is written": ("before", r"^PATCH .*/inferenceservices/"),
    "after the InferenceService is written": ("after", r"^PATCH .*/inferenceservices/"),
    "after the status is written": ("after", r"^PATCH .*/transfermodels/[^/]+/status$"),
}


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at(
    point: str, played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    operator.supervise()
    moment, pattern = POINTS[point]
    getattr(proxy, moment)[pattern] = operator.kill
    await played.apply("digits", spec)
    status = await played.wait_ready("digits", timeout_seconds=60)
    assert not proxy.before
    assert not proxy.after
    assert operator.exits == [-9]
    assert len(await played.jobs()) == 1
    assert len(jobs_created(proxy)) == 1
    assert await played.versions() == ["digits-v1"]
    assert len(await played.revisions()) == 1
    assert [version["state"] for version in status["versions"]] == ["Live"]


def jobs_created(proxy: ApiProxy) -> list[str]:
    """Return the names of all Jobs that were ever created."""
    return [request.created for request in proxy.writes if request.method == "POST" and "/jobs" in request.path]


async def test_deleted_while_the_operator_is_down(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    await played.apply("digits", spec)
    await played.wait_ready("digits")
    assert await operator.stop() == 0
    await played.delete("digits")

    async def gone() -> bool:
        return not (
            await played.model("digits")
            or await played.jobs()
            or await played.pods()
            or await played.versions()
            or await played.revisions()
        )

    # The garbage collector of Kubernetes learns of a new kind every 30 s.
    await until(gone, "everything of it is gone", timeout_seconds=75)


async def test_deleted_while_it_trains(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    played.train = lambda request: None
    await played.apply("digits", spec)
    await played.wait_reason("digits", "Trained", "Running")
    await played.delete("digits")

    async def gone() -> bool:
        return not (await played.model("digits") or await played.jobs() or await played.pods())

    await until(gone, "Job and pod are gone", timeout_seconds=75)
    assert operator.running


async def test_a_settled_model_is_left_alone_by_a_new_operator(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    await played.apply("digits", spec)
    await played.wait_ready("digits")
    assert await operator.stop() == 0
    before = len(proxy.writes)
    await operator.start()
    await until(lambda: watches(proxy), "it watches again")
    await until(lambda: looked(proxy, "digits", since=before), "it has looked at the model")
    await asyncio.sleep(1)
    assert proxy.writes[before:] == []


async def watches(proxy: ApiProxy) -> bool:
    return proxy.watched("transfermodels")


async def looked(proxy: ApiProxy, name: str, since: int) -> bool:
    return any(r.path.endswith(f"/transfermodels/{name}") for r in proxy.requests[-50:])


async def test_status_wiped(played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]) -> None:
    await played.apply("digits", spec)
    former = await played.wait_ready("digits")
    wiped = {"status": None}
    await played.client.merge(TRANSFER_MODELS, played.namespace, "digits", wiped, subresource="status")
    status = await played.wait_ready("digits")
    assert len(await played.jobs()) == 1
    assert len(await played.revisions()) == 1
    for key in ("versions", "url", "usage", "stage"):
        assert status[key] == former[key]
    assert status["training"]["run"] == former["training"]["run"]


async def test_the_job_of_a_recorded_run_does_not_come_back(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    await played.apply("digits", spec)
    await played.wait_ready("digits")
    (job,) = await played.jobs()
    name = job["metadata"]["name"]
    await played.client.delete(JOBS, played.namespace, name, uid=None, propagation="Background")

    async def looked_since() -> bool:
        return not await played.jobs()

    await until(looked_since, "the Job is gone")
    await asyncio.sleep(2)
    assert await played.jobs() == []
    assert (await played.condition("digits", "Ready"))["status"] == "True"


async def test_progress_in_few_writes(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    """A run of many steps: the status follows in at most six writes."""
    step = 0

    def log() -> Any:
        nonlocal step
        step += 1
        return proxy.text(json.dumps({"progress": {"phase": "Training", "percent": min(step * 5, 99), "epoch": step}}))

    proxy.answers[r"^GET .*/pods/[^/]+/log$"] = log
    played.train = lambda request: (0, json.dumps(result_of(request))) if step >= 20 else None
    operator.settings["progressSeconds"] = 1
    await operator.stop()
    await operator.start()
    await played.apply("digits", spec)
    await until(lambda: percent(played, 10), "progress in the status", timeout_seconds=30)
    await played.wait_ready("digits", timeout_seconds=60)
    assert step >= 20
    assert len(proxy.writes) <= 14, "\n".join(map(str, proxy.writes))


async def percent(played: World, least: int) -> bool:
    return int(((await played.status("digits")).get("training") or {}).get("percent", 0)) >= least
