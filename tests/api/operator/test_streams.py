"""Watch streams that break, hang or refuse; kinds that come late; two operators at once."""

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from transfermodel_operator.cluster.kinds import LEASES

from devcluster.apiserver import Server
from tests.support.api_proxy import ApiProxy, api_proxy
from tests.support.operator_process import OperatorProcess
from tests.support.played import World, until

RECOVERY_SECONDS = 90


@pytest.mark.parametrize("kind", ["transfermodels", "jobs"])
async def test_error_inside_a_stream(
    kind: str, played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    operator.supervise()

    async def watched() -> bool:
        return proxy.watched(kind)

    await until(watched, "the watch is open")
    begun = time.monotonic()
    assert proxy.break_streams(kind) == 1
    await played.apply("digits", spec)
    await played.wait_ready("digits", timeout_seconds=RECOVERY_SECONDS)
    await until(watched, "the watch is open again", timeout_seconds=RECOVERY_SECONDS - (time.monotonic() - begun))
    assert operator.restarts <= 1


async def test_stream_that_hangs(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    """Nothing more comes, and nothing closes: only the list can tell."""
    operator.settings["relistSeconds"] = 5
    await operator.stop()
    await operator.start()
    operator.supervise()

    async def watched() -> bool:
        return proxy.watched("transfermodels")

    await until(watched, "the watch is open")
    assert proxy.silence_streams("transfermodels") == 1
    await played.apply("digits", spec)
    await played.wait_ready("digits", timeout_seconds=RECOVERY_SECONDS)

    async def restarted() -> bool:
        return operator.exits == [1]

    await until(restarted, "the operator found out", timeout_seconds=RECOVERY_SECONDS)
    assert "did not deliver" in operator.log.read_text()


async def test_kserve_installed_later(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    absent = [r"^\w+ /apis/serving\.kserve\.io", r"^\w+ /apis/serving\.knative\.dev"]
    for pattern in absent:
        proxy.answers[pattern] = lambda: web.Response(status=404, text="404 page not found\n")
    operator.settings["relistSeconds"] = 5
    await operator.stop()
    await operator.start()
    operator.supervise()
    await played.apply("digits", spec)
    message = await played.wait_reason("digits", "Serving", "KnativeNotInstalled")
    assert "install" in message
    for pattern in absent:
        del proxy.answers[pattern]
    await played.wait_ready("digits", timeout_seconds=RECOVERY_SECONDS)

    async def watched() -> bool:
        return proxy.watched("inferenceservices") and proxy.watched("revisions")

    await until(watched, "the new kinds are watched", timeout_seconds=60)


async def test_two_operators(
    tmp_path: Path, api_server: Server, played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    """The second waits; it takes over when the first is gone, at once or within about 15 s of a SIGKILL."""
    await played.apply("digits", spec)
    await played.wait_ready("digits")
    async with api_proxy(api_server.kubeconfig) as other_proxy:
        other_proxy.answers.update(proxy.answers)
        async with OperatorProcess(tmp_path, other_proxy.url, played.namespace, pod="operator-1") as other:

            async def waits() -> bool:
                return "waiting for the Lease" in other.log.read_text() and not await ready(other)

            await until(waits, "the second operator waits")
            assert await alive(other)
            assert not other_proxy.writes
            assert not other_proxy.watched("transfermodels")
            operator.kill()
            killed = time.monotonic()
            await until(lambda: ready(other), "the second operator took over", timeout_seconds=25)
            assert time.monotonic() - killed < 20
            # And back, after a clean end.
            await operator.start()
            await other.stop()
            lease = await played.client.get(LEASES, played.namespace, "transfermodel-operator")
            assert not (lease or {})["spec"]["holderIdentity"].startswith("operator-1"), "it need not expire"
            await until(lambda: ready(operator), "the first took over again", timeout_seconds=25)


async def test_the_lease_taken_away_ends_the_process(played: World, proxy: ApiProxy, operator: OperatorProcess) -> None:
    await until(lambda: ready(operator), "the operator holds the Lease")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{played.namespace}/leases/transfermodel-operator"
    patch = {"spec": {"holderIdentity": "somebody-else"}}
    await played.client.request("PATCH", path, body=patch, content_type="application/merge-patch+json")
    assert await asyncio.wait_for(operator.process.wait(), 15) == 1


async def test_stops_promptly(played: World, proxy: ApiProxy, operator: OperatorProcess) -> None:
    await until(lambda: ready(operator), "the operator works")
    begun = time.monotonic()
    assert await operator.stop() == 0
    assert time.monotonic() - begun < 4


async def ready(operator: OperatorProcess) -> bool:
    return await answers(operator, "readyz")


async def alive(operator: OperatorProcess) -> bool:
    return await answers(operator, "healthz")


async def answers(operator: OperatorProcess, path: str) -> bool:
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{operator.port}/{path}") as response,
        ):
            return response.status == 200
    except aiohttp.ClientError:
        return False
