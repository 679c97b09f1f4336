"""A TransferModel's life, told step by step in the simulated cluster."""

import pytest

from tests.unit.operator.simulator import World

pytestmark = pytest.mark.unit


def test_from_apply_to_ready() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    status = world.status()
    assert {c["type"]: c["status"] for c in status["conditions"]} == dict.fromkeys(
        ("DataReady", "Trained", "Evaluated", "Serving", "Ready"), "True"
    )
    assert status["stage"] == "Ready"
    assert [(v["name"], v["state"]) for v in status["versions"]] == [("v1", "Live")]
    assert status["serving"] == {
        "version": "v1",
        "revision": "digits-predictor-00001",
        "verifiedAt": "2026-01-01T00:00:00Z",
    }
    assert status["url"] == "http://digits-predictor.demo.example.com"
    assert status["usage"] == {"trainingSeconds": 5}
    assert world.traffic() == {"v1": 100}
    assert len(world.writes) <= 8
