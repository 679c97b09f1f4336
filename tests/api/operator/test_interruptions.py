"""A training pod that is ended by SIGTERM, judged by Kubernetes' own Job controller and by the operator."""

import json
from typing import Any

from tests.support.api_proxy import ApiProxy
from tests.support.operator_process import OperatorProcess
from tests.support.played import World, result_of

JOB_PAUSES_SECONDS = 30
"""Between the pods of a Job: 10 and 20."""


async def test_an_ended_pod_does_not_count_and_a_crash_does(
    played: World, proxy: ApiProxy, operator: OperatorProcess, spec: dict[str, Any]
) -> None:
    ends = [(143, ""), (1, "Traceback: boom")]  # two failures would be one too many

    def train(request: dict[str, Any]) -> tuple[int, str]:
        return ends.pop(0) if ends else (0, json.dumps(result_of(request)))

    played.train = train
    await played.apply("digits", spec | {"serving": {"mode": "None"}})
    status = await played.wait_ready("digits", timeout_seconds=JOB_PAUSES_SECONDS + 60)
    (job,) = await played.jobs()
    assert job["status"].get("failed") == 1
    assert len(played.requests) == 3
    assert (status["training"]["attempt"], status["training"]["interruptions"]) == (1, 1)
    assert "interrupted once" in (await played.condition("digits", "Trained"))["message"]
    assert await played.versions() == ["digits-v1"]
