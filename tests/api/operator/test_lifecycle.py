"""From apply to Ready, through a real API server, with the cluster's other controllers played."""

from typing import Any

from tests.support.api_proxy import ApiProxy
from tests.support.operator_process import OperatorProcess
from tests.support.played import World


async def test_from_apply_to_ready(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    await played.apply("digits", spec)
    status = await played.wait_ready("digits")
    assert status["stage"] == "Ready"
    assert [version["state"] for version in status["versions"]] == ["Live"]
    assert status["serving"]["version"] == "v1"
    assert status["serving"]["verifiedAt"]
    assert await played.versions() == ["digits-v1"]
    assert len(await played.jobs()) == 1
    model = await played.model("digits")
    assert "finalizers" not in model["metadata"]
    assert "annotations" not in model["metadata"]
    assert len(proxy.writes) <= 8, "\n".join(map(str, proxy.writes))
