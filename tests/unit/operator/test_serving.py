"""What can go wrong when a version is served."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from transfermodel_operator.observed import Apis, Proof, Refusal
from transfermodel_operator.resources import names

from tests.unit.operator.simulator import World

pytestmark = pytest.mark.unit


def trained() -> World:
    """Return a world in which v1 is recorded and the InferenceService is written."""
    world = World()
    world.create()
    world.settle()
    world.succeed()
    world.reconcile()
    return world


def foreign(world: World) -> None:
    """The name is taken."""
    del world.services["digits"]["metadata"]["ownerReferences"]


def no_kserve(world: World) -> None:
    """KServe was never installed."""
    world.services.clear()
    world.apis = Apis(kserve=False)


def no_knative(world: World) -> None:
    """Knative was never installed."""
    world.apis = Apis(knative=False)


def webhook_down(world: World) -> None:
    """KServe's webhook refuses connections."""
    world.services.clear()
    message = 'failed calling webhook "inferenceservice.kserve-webhook-server.defaulter": connection refused'
    world.refusals["InferenceService/digits"] = Refusal(500, message, world.now)


def refused(world: World) -> None:
    """KServe's webhook says no."""
    world.services.clear()
    world.refusals["InferenceService/digits"] = Refusal(403, 'admission webhook denied the request: "no".', world.now)


def silent_kserve(world: World) -> None:
    """KServe's controller is down."""
    world.tick(21)


def silent_knative(world: World) -> None:
    """Knative's controller is down."""
    world.propagate("digits")
    world.tick(21)


def crash(world: World) -> None:
    """The predictor crashes."""
    world.create_revision("digits")
    world.propagate("digits")
    ended = {"exitCode": 1, "reason": "Error", "message": "ArtifactError: the digest differs\n"}
    predictor_pod(world, {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}})


def no_secret(world: World) -> None:
    """The predictor's Secret is missing."""
    world.create_revision("digits")
    world.propagate("digits")
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "s3" not found'}
    predictor_pod(world, {"state": {"waiting": waiting}})


def predictor_pod(world: World, container: dict[str, object]) -> None:
    """Give the first Revision a pod."""
    labels = {names.MODEL_LABEL: "digits", names.REVISION_LABEL: "digits-predictor-00001"}
    world.pods["predictor"] = {
        "metadata": {"name": "predictor", "labels": labels},
        "status": {"phase": "Pending", "containerStatuses": [{"name": names.PREDICTOR_CONTAINER} | container]},
    }


def wrong_answer(world: World) -> None:
    """The Revision answers with another digest."""
    world.serve()
    world.proofs["digits-predictor-00001"] = Proof("digits-predictor-00001", False, "It answered for v0.", world.now)


TABLE = [
    (foreign, "NameConflict", "does not belong to this TransferModel"),
    (no_kserve, "KServeNotInstalled", "no inferenceservices.serving.kserve.io"),
    (no_knative, "KnativeNotInstalled", "no services.serving.knative.dev"),
    (webhook_down, "KServeUnavailable", "connection refused. Have the platform's owner"),
    (refused, "PredictorFailed", "denied the request"),
    (silent_kserve, "KServeUnavailable", "no status after 20 seconds"),
    (silent_knative, "KnativeUnavailable", "no Revision"),
    (crash, "PredictorFailed", "last words: ArtifactError: the digest differs."),
    (no_secret, "SecretNotFound", 'secret "s3" not found'),
    (wrong_answer, "PredictionFailed", "It answered for v0."),
]


@pytest.mark.parametrize(("arrange", "reason", "says"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_serving(arrange: Callable[[World], None], reason: str, says: str) -> None:
    world = trained()
    arrange(world)
    world.reconcile()
    serving = world.condition("Serving")
    assert (serving["status"], serving["reason"]) == ("False", reason)
    assert says in serving["message"]
    assert serving["message"].endswith(".")
    assert world.condition("Ready")["reason"] == reason
    plan = world.plan()
    assert plan.writes == 0
    assert plan.again_after_seconds is not None


@pytest.mark.parametrize("arrange", [no_kserve, no_knative])
def test_what_is_missing_for_serving_is_said_before_training_ends(arrange: Callable[[World], None]) -> None:
    world = World()
    world.create()
    arrange(world)
    world.settle()
    assert world.condition("Serving")["reason"].endswith("NotInstalled")
    assert world.jobs_created == 1


def test_a_refused_write_is_tried_again_later() -> None:
    world = trained()
    webhook_down(world)
    world.reconcile()
    world.tick(3)
    assert world.plan().applies != ()


def test_the_inference_service_of_a_deleted_namesake_is_waited_for() -> None:
    world = trained()
    world.services["digits"]["metadata"]["ownerReferences"][0]["uid"] = "older"
    world.reconcile()
    assert world.condition("Serving")["reason"] == "Deploying"
    del world.services["digits"]
    world.settle()
    assert world.condition("Ready")["status"] == "True"


def test_a_proof_that_failed_is_asked_for_again() -> None:
    world = trained()
    wrong_answer(world)
    assert world.plan().proof is None
    world.now += timedelta(seconds=5)
    assert world.plan().proof is not None


def test_the_first_write_forces_nothing_and_later_ones_name_their_object() -> None:
    world = World()
    world.create()
    world.settle()
    world.succeed()
    assert "uid" not in world.plan().applies[0]["metadata"]
    world.settle()
    world.edit(serving={"maxReplicas": 5})
    assert world.plan().applies[0]["metadata"]["uid"] == world.services["digits"]["metadata"]["uid"]


def test_a_revision_of_an_edited_inference_service_is_not_ours_though_it_carries_our_labels() -> None:
    world = trained()
    world.serve()
    world.settle()
    edited = world.services["digits"]["spec"]["predictor"]
    edited["containers"][0]["image"] = "registry.example/miner:1"
    edited["canaryTrafficPercent"] = 0
    world.serve()
    edited["containers"][0]["image"] = "registry.example/predictor:1"  # put right, but Knative has not seen it yet
    plan = world.plan()
    assert plan.proof is None
    assert plan.applies == ()


def test_what_kserve_says_of_a_former_revision_raises_no_share() -> None:
    """Somebody edits the InferenceService; Knative has reacted, and KServe's status does not say so yet."""
    world = World()
    world.create()
    world.run_to_ready()
    world.services["digits"]["spec"]["predictor"]["maxReplicas"] = 9
    world.create_revision("digits")
    world.reconcile()
    assert world.services["digits"]["spec"]["predictor"]["canaryTrafficPercent"] == 0
    world.reconcile()
    assert world.services["digits"]["spec"]["predictor"]["canaryTrafficPercent"] == 0, "the next revision is not proved"
    world.settle()
    assert world.traffic() == {"v1": 100}
    assert world.status()["serving"]["revision"] == "digits-predictor-00003"
