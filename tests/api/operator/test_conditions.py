"""What goes wrong in the cluster becomes a condition, and is made good by itself where that is possible."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from transfermodel_operator.cluster.kinds import EVENTS, INFERENCE_SERVICES

from tests.support.api_proxy import ApiProxy
from tests.support.operator_process import OperatorProcess
from tests.support.played import World, now, until


async def test_name_conflict(played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]) -> None:
    foreign = {
        "apiVersion": INFERENCE_SERVICES.api_version,
        "kind": INFERENCE_SERVICES.kind,
        "metadata": {"name": "digits", "namespace": played.namespace},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "onnx"}}, "minReplicas": 0, "maxReplicas": 1}},
    }
    await played.client.create(INFERENCE_SERVICES, played.namespace, foreign)
    await played.apply("digits", spec)
    message = await played.wait_reason("digits", "Serving", "NameConflict")
    assert "digits" in message
    service = await played.client.get(INFERENCE_SERVICES, played.namespace, "digits")
    assert service is not None
    assert service["spec"] == foreign["spec"]
    assert "ownerReferences" not in service["metadata"]


async def test_an_edited_inference_service_comes_back(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    await played.apply("digits", spec)
    await played.wait_ready("digits")
    wanted = (await played.client.get(INFERENCE_SERVICES, played.namespace, "digits") or {})["spec"]
    edit = {"spec": {"predictor": {"maxReplicas": 77}}}
    await played.client.merge(INFERENCE_SERVICES, played.namespace, "digits", edit)

    async def back() -> bool:
        live = await played.client.get(INFERENCE_SERVICES, played.namespace, "digits")
        return live is not None and live["spec"]["predictor"]["maxReplicas"] == wanted["predictor"]["maxReplicas"]

    await until(back, "the edit is undone")
    await played.client.delete(INFERENCE_SERVICES, played.namespace, "digits", uid=None, propagation="Background")
    await until(back, "the InferenceService is there again", timeout_seconds=30)
    await played.wait_ready("digits", timeout_seconds=60)
    assert len(await played.jobs()) == 1


async def test_webhook_down(played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]) -> None:
    """KServe's admission webhook does not answer while its controller is down."""
    down = {
        "kind": "Status",
        "status": "Failure",
        "code": 500,
        "reason": "InternalError",
        "message": 'Internal error occurred: failed calling webhook "inferenceservice.kserve-webhook-server": '
        "no endpoints available for service",
    }
    pattern = r"^PATCH .*/inferenceservices/"
    proxy.answers[pattern] = lambda: web.json_response(down, status=500)
    await played.apply("digits", spec)
    message = await played.wait_reason("digits", "Serving", "KServeUnavailable")
    assert "failed calling webhook" in message
    attempts = sum(request.method == "PATCH" and "inferenceservices" in request.path for request in proxy.requests)
    assert attempts <= 3, "a retry storm"
    del proxy.answers[pattern]
    await played.wait_ready("digits", timeout_seconds=30)


@asynccontextmanager
async def none_of(played: World, resource: str) -> AsyncIterator[None]:
    """A quota that allows none of a resource, in force within the block."""
    path = f"/api/v1/namespaces/{played.namespace}/resourcequotas"
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {resource: "0"}}}
    await played.client.request("POST", path, body=quota)

    async def counted() -> bool:
        found = await played.client.request("GET", f"{path}/none")
        return "used" in (found.get("status") or {})

    await until(counted, "the quota is in force")
    yield
    await played.client.request("DELETE", f"{path}/none")


async def test_pods_refused_by_quota(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    async with none_of(played, "pods"):
        await played.apply("digits", spec)
        message = await played.wait_reason("digits", "Trained", "PodNotCreated", timeout_seconds=20)
        assert "exceeded quota" in message
    await played.wait_ready("digits", timeout_seconds=60)
    assert len(await played.jobs()) == 1


async def test_jobs_refused_by_quota(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    async with none_of(played, "count/jobs.batch"):
        await played.apply("digits", spec)
        message = await played.wait_reason("digits", "Trained", "PodNotCreated")
        assert "exceeded quota" in message
    await played.wait_ready("digits", timeout_seconds=60)


async def test_conflict_on_the_status(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    """Somebody edits the object in the moment between the read and the write."""
    edits: list[asyncio.Task[None]] = []

    def edit() -> None:
        patch = {"metadata": {"annotations": {"touched": now()}}}
        edits.append(asyncio.get_running_loop().create_task(played.edit("digits", patch)))

    proxy.ahead[r"^PATCH .*/transfermodels/[^/]+/status$"] = edit
    await played.apply("digits", spec)
    await played.wait_ready("digits")
    assert edits
    conflicts = [request for request in proxy.requests if request.status == 409]
    assert conflicts
    assert len(await played.jobs()) == 1


async def test_failed_run_says_why_and_does_not_storm(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    failure = {"outcome": "Failed", "failure": "User", "reason": "EmptyClass", "message": "Class 'cat' is empty."}
    played.train = lambda request: (42, json.dumps(failure))
    await played.apply("digits", spec)
    message = await played.wait_reason("digits", "Trained", "EmptyClass")
    assert "Class 'cat' is empty" in message
    assert (await played.condition("digits", "Ready"))["status"] == "False"
    settled = len(proxy.writes)
    await asyncio.sleep(2)
    assert len(proxy.writes) - settled <= 1
    assert len(await played.jobs()) == 1

    async def told() -> bool:
        events = await played.client.list(EVENTS, played.namespace)
        return any(e["reason"] == "EmptyClass" and e["involvedObject"]["name"] == "digits" for e in events)

    await until(told, "an Event tells of it")


async def test_unknown_reason_of_a_newer_trainer(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    failure = {"outcome": "Failed", "failure": "User", "reason": "TooSunny", "message": "The pictures are too bright."}
    played.train = lambda request: (42, json.dumps(failure))
    await played.apply("digits", spec)
    message = await played.wait_reason("digits", "Trained", "RunFailed")
    assert "The pictures are too bright" in message


async def test_chain_waits_in_order(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    follower = spec | {"backbone": {"fromTransferModel": "base"}}
    await played.apply("follower", follower)
    await played.wait_reason("follower", "Trained", "BaseNotFound")
    assert await played.jobs() == []
    await played.apply("base", spec | {"serving": {"mode": "None"}})
    await played.wait_ready("follower", timeout_seconds=30)
    assert [request["name"] for request in played.requests] == ["base", "follower"]
    assert played.requests[1]["backbone"]["base"]["version"] == "v1"


async def test_edit_trains_anew_and_serves_the_old_meanwhile(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    await played.apply("digits", spec)
    await played.wait_ready("digits")
    await played.edit("digits", {"spec": {"training": {"seed": 7}}})
    status = await played.wait_ready("digits", timeout_seconds=40)
    assert [(v["name"], v["state"]) for v in status["versions"]] == [("v1", "Retired"), ("v2", "Live")]
    assert status["serving"]["version"] == "v2"
    # A serving-only change never trains.
    jobs = len(played.requests)
    await played.edit("digits", {"spec": {"serving": {"maxReplicas": 5}}})
    await played.wait_ready("digits", timeout_seconds=40)
    assert len(played.requests) == jobs
