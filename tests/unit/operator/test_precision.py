"""serving.precision Int8: served where the trainer found it as good, refused with its figures where not."""

from typing import Any

import pytest

from tests.unit.operator.simulator import World

pytestmark = pytest.mark.unit

GOOD = {"accuracy": "0.8650", "float32Accuracy": "0.8667", "agreement": "0.9883", "samples": 600, "speedup": "3.6"}
FIGURES = "Its accuracy on 600 images is 0.8517 in 8-bit integers and 0.8667 in Float32: more than half a point lower."
WORSE = {"accuracy": "0.8517", "float32Accuracy": "0.8667", "agreement": "0.9600", "samples": 600, "refusal": FIGURES}
NONE = {"refusal": "A graph of 790 MB is not made one of 8-bit integers; 500 MB is the most."}
OLD = "It was trained before models were made in 8-bit integers, too"


def trained(precision: str, int8: dict[str, Any] | None) -> World:
    """Return a world in which v1 is trained, and everything that follows from it has happened."""
    world = World()
    world.create(serving={"precision": precision})
    world.settle()
    changes: dict[str, Any] = {} if int8 is None else {"int8": int8}
    world.succeed(**changes)
    world.settle()
    return world


def precisions(world: World) -> list[str]:
    """Return what the predictor of the InferenceService is told."""
    (container,) = world.services["digits"]["spec"]["predictor"]["containers"]
    return [entry["value"] for entry in container["env"] if entry["name"] == "TRANSFERMODEL_PRECISION"]


def test_a_version_as_good_in_integers_is_served_so() -> None:
    world = trained("Int8", GOOD)
    assert precisions(world) == ["Int8"]
    assert world.condition("Ready")["status"] == "True"
    (version,) = world.status()["versions"]
    assert version["int8"] == GOOD


@pytest.mark.parametrize("int8", [GOOD, WORSE, NONE, None])
def test_without_it_nothing_is_said_of_precision(int8: dict[str, Any] | None) -> None:
    """Or the pods of every model would be started anew by an upgrade."""
    world = trained("Float32", int8)
    assert precisions(world) == []
    assert world.condition("Ready")["status"] == "True"


@pytest.mark.parametrize(
    ("int8", "why"), [(WORSE, FIGURES), (NONE, NONE["refusal"]), (None, OLD), ({"accuracy": 1, "odd": {}}, OLD)]
)
def test_another_is_not_served(int8: dict[str, Any] | None, why: str) -> None:
    world = trained("Int8", int8 if int8 is None or "odd" not in int8 else None)
    if int8 is not None and "odd" in int8:
        next(iter(world.recorded.values()))["data"]["result"]["int8"] = int8
        world.settle()
    assert not world.services
    serving = world.condition("Serving")
    assert (serving["status"], serving["reason"]) == ("False", "PrecisionRefused")
    assert serving["message"].startswith(f"v1 is not served in Int8. {why}")
    assert serving["message"].endswith("Set spec.serving.precision to Float32.")
    assert world.condition("Ready")["reason"] == "PrecisionRefused"
    assert world.condition("Trained")["status"] == "True"
    plan = world.plan()
    assert (plan.writes, plan.proof) == (0, None)
    world.edit(serving={"precision": "Float32"})
    world.settle()
    assert world.condition("Ready")["status"] == "True"
    assert world.traffic() == {"v1": 100}
    assert world.jobs_created == 1, "an edit of serving trains nothing"


def test_what_is_live_stays_live_when_precision_is_edited() -> None:
    world = trained("Float32", WORSE)
    before = world.services["digits"]["spec"]
    world.edit(serving={"precision": "Int8", "maxReplicas": 7})
    world.settle()
    assert world.services["digits"]["spec"] == before
    assert world.traffic() == {"v1": 100}
    assert world.condition("Serving")["message"].endswith("to Float32; v1 serves meanwhile.")
    status = world.status()
    assert status["serving"]["version"] == "v1"
    assert status["serving"]["verifiedAt"]
    assert status["url"]
    assert [version["state"] for version in status["versions"]] == ["Live"]


def test_what_is_live_stays_live_when_a_worse_version_comes() -> None:
    world = trained("Int8", GOOD)
    world.edit(training={"seed": 1})
    world.settle()
    world.succeed(int8=WORSE)
    world.settle()
    assert precisions(world) == ["Int8"]
    assert world.traffic() == {"v1": 100}
    serving = world.condition("Serving")
    assert serving["reason"] == "PrecisionRefused"
    assert serving["message"].startswith(f"v2 is not served in Int8. {FIGURES}")
    assert serving["message"].endswith("v1 serves meanwhile.")
    assert [version["state"] for version in world.status()["versions"]] == ["Live", "Candidate"]
    world.edit(serving={"precision": "Float32"})
    world.settle()
    assert (world.traffic(), precisions(world)) == ({"v2": 100}, [])


def test_a_change_of_precision_rolls_out_the_same_version() -> None:
    world = trained("Float32", GOOD)
    world.edit(serving={"precision": "Int8"})
    world.reconcile()
    assert world.services["digits"]["spec"]["predictor"]["canaryTrafficPercent"] == 0, "beside what serves"
    world.settle()
    assert (world.traffic(), precisions(world), world.jobs_created) == ({"v1": 100}, ["Int8"], 1)
