"""A TransferModel's life, told step by step in the simulated cluster."""

import json
from typing import Any

import pytest
from transfermodel_operator.plan import Plan

from tests.unit.operator.simulator import World, result, settings

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
    assert status["usage"] == {"trainingSeconds": 5, "gpuSeconds": 0}
    assert world.traffic() == {"v1": 100}
    assert len(world.writes) == 6, "one status for the start, one for the version, one for Ready; none in between"


def test_progress_is_written_six_times_at_most() -> None:
    world = World()
    world.create()
    world.settle()
    (job,) = world.jobs
    pod = world.start_pod(job)
    world.settle()
    for percent in range(101):
        line = {"phase": "Training", "percent": percent, "etaSeconds": 100 - percent, "epoch": percent // 10}
        line["accuracy"] = "0.8125"  # for the command's bar; the status does without
        world.progress[pod] = json.dumps({"progress": line})
        world.settle()
        world.tick(2)
        assert world.status()["training"]["percent"] <= percent
    assert world.status()["training"]["epoch"] >= 8, "what was reported arrives"
    before_result = len(world.writes)
    world.end_pod(pod, 0, result(world.request_of(job)))
    world.end_job(job, "Complete")
    world.settle()
    assert world.condition("Ready")["status"] == "True"
    assert before_result <= 2 + 1 + 6
    assert len(world.writes) <= 14
    assert "Training" in [event.message.split()[0] for event in world.events]


def test_an_edit_retrains_and_the_old_version_serves_meanwhile() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    world.edit(training={"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}, "seed": 1})
    world.settle()
    assert world.condition("Serving")["status"] == "True", "v1 serves while v2 is trained"
    assert world.condition("Ready")["status"] == "Unknown"
    world.succeed()
    world.reconcile()
    assert world.services["digits"]["spec"]["predictor"]["canaryTrafficPercent"] == 0
    world.serve()
    assert world.traffic() == {"v1": 100}
    assert "v1 serves meanwhile" in world.condition("Serving")["message"]
    world.settle()
    assert world.traffic() == {"v2": 100}
    assert [(v["name"], v["state"]) for v in world.status()["versions"]] == [("v1", "Retired"), ("v2", "Live")]
    assert list(world.recorded) == ["digits-v1", "digits-v2"]
    assert len(world.jobs) == 1, "the Job of the former run is gone"


def test_a_candidate_that_never_becomes_ready_leaves_the_old_one_serving() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    world.edit(training={"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}, "seed": 1})
    world.settle()
    world.succeed()
    world.reconcile()
    world.create_revision("digits")
    world.break_revision()
    world.settle()
    serving = world.condition("Serving")
    assert (serving["status"], serving["reason"]) == ("False", "PredictorFailed")
    assert "no such model" in serving["message"]
    assert "v1 serves meanwhile" in serving["message"]
    assert world.traffic() == {"v1": 100}
    assert [(v["name"], v["state"]) for v in world.status()["versions"]] == [("v1", "Live"), ("v2", "Failed")]
    assert world.status()["stage"] == "Failed"


def test_going_back_serves_the_older_version_again_without_training() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    first = world.models["digits"]["spec"]["training"]
    world.edit(training=first | {"seed": 1})
    world.run_to_ready()
    world.edit(training=first)
    world.settle()
    assert world.jobs_created == 2
    assert world.traffic() == {"v1": 100}
    assert world.status()["serving"]["revision"] == "digits-predictor-00003"
    assert [v["state"] for v in world.status()["versions"]] == ["Live", "Retired"]


@pytest.mark.parametrize(
    "serving", [{"maxReplicas": 5}, {"resources": {"limits": {"memory": "2Gi"}}}, {"containerConcurrency": 4}]
)
def test_a_serving_edit_never_retrains(serving: dict[str, Any]) -> None:
    world = World()
    world.create()
    world.run_to_ready()
    world.edit(serving=serving)
    world.settle()
    assert world.jobs_created == 1
    assert world.condition("Ready")["status"] == "True"
    assert world.status()["serving"]["revision"] == "digits-predictor-00002"


def test_an_operator_upgrade_writes_nothing() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    world.settings = settings(
        trainerImage="registry.example/trainer:2",
        predictorImage="registry.example/predictor:2",
        imagePullPolicy="Always",
        trainerResources={"limits": {"memory": "9Gi"}},
        predictorResources={"limits": {"memory": "9Gi"}},
        allowNamedWeights=False,
    )
    world.restart_operator()
    assert world.plan().writes == 0


def test_suspend_stops_a_run_and_keeps_what_serves() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    world.edit(training={"strategy": "FineTuning", "fineTuning": {"unfreeze": "All", "epochs": 300}})
    world.settle()
    (job,) = world.jobs
    world.start_pod(job)
    world.edit(suspend=True)
    world.settle()
    assert "deletionTimestamp" in world.jobs[job]["metadata"]
    assert world.condition("Trained")["reason"] == "Suspended"
    assert world.status()["stage"] == "Suspended"
    assert world.traffic() == {"v1": 100}
    world.edit(suspend=False)
    world.settle()
    assert world.jobs_created == 2, "the pod of the stopped run is not gone"
    world.finish_deletions()
    world.settle()
    assert world.jobs_created == 3


def test_an_edit_waits_until_the_former_pod_is_gone() -> None:
    world = World()
    world.create()
    world.settle()
    (first,) = world.jobs
    world.start_pod(first)
    world.edit(data={"train": {"uri": "s3://datasets/other"}})
    world.settle()
    assert list(world.jobs) == [first]
    assert "former run" in world.condition("Trained")["message"]
    world.finish_deletions()
    world.settle()
    assert first not in world.jobs
    assert len(world.jobs) == 1


def test_mode_none_serves_nothing_and_is_ready() -> None:
    world = World()
    world.create(serving={"mode": "None"})
    world.run_to_ready()
    assert world.services == {}
    assert "url" not in world.status()
    assert world.condition("Serving")["reason"] == "NotServed"
    assert world.condition("Ready")["status"] == "True"
    world.edit(serving={"mode": "Knative"})
    world.settle()
    assert world.traffic() == {"v1": 100}
    world.edit(serving={"mode": "None"})
    world.settle()
    assert world.services == {}
    assert "serving" not in world.status()


def test_a_wiped_status_is_rebuilt_without_a_job() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    before = world.models["digits"].pop("status")
    world.jobs.clear()
    world.pods.clear()
    world.restart_operator()
    world.settle()
    assert world.jobs_created == 1
    assert world.status() == before


def test_a_deleted_inference_service_comes_back_and_an_edited_one_is_put_right() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    world.delete("InferenceService", "digits")
    world.settle()
    assert world.traffic() == {"v1": 100}
    world.services["digits"]["spec"]["predictor"]["maxReplicas"] = 9
    world.settle()
    assert world.services["digits"]["spec"]["predictor"]["maxReplicas"] == 3
    world.services["digits"]["spec"]["predictor"]["canaryTrafficPercent"] = 20
    world.settle()
    assert world.services["digits"]["spec"]["predictor"]["canaryTrafficPercent"] == 100


def test_what_others_add_is_theirs() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    live = world.services["digits"]
    live["metadata"]["labels"]["team"] = "vision"
    container = live["spec"]["predictor"]["containers"][0]
    container["resources"]["limits"] |= {"ephemeral-storage": "1Gi", "memory": "1024Mi"}
    container["env"].append({"name": "DEBUG", "value": "1"})
    assert world.plan().writes == 0


def test_deletion_is_left_to_the_garbage_collector() -> None:
    world = World()
    world.create()
    world.models["digits"]["metadata"]["deletionTimestamp"] = world.time()
    assert world.plan() == Plan()


def test_the_url_carries_the_port_of_the_ingress() -> None:
    world = World(settings=settings(ingressPort=8088))
    world.create()
    world.run_to_ready()
    assert world.status()["url"] == "http://digits-predictor.demo.example.com:8088"


def test_a_pod_whose_job_was_deleted_around_it_is_waited_for() -> None:
    world = World()
    world.create()
    world.settle()
    (job,) = world.jobs
    pod = world.start_pod(job)
    del world.jobs[job]
    world.settle()
    assert world.jobs == {}
    world.end_pod(pod, 143, "")
    world.settle()
    assert len(world.jobs) == 1


def test_seconds_count_times_gpus() -> None:
    world = World()
    own = {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}}
    world.create(training=own | {"resources": {"limits": {"nvidia.com/gpu": 2, "memory": "8Gi"}}})
    world.run_to_ready(seconds={"total": 4.2})
    assert world.status()["usage"] == {"trainingSeconds": 5, "gpuSeconds": 9}
    world.edit(training=own | {"seed": 1, "resources": {"limits": {"amd.com/gpu": 1}}})
    world.run_to_ready(seconds={"total": 10})
    assert world.status()["usage"] == {"trainingSeconds": 15, "gpuSeconds": 19}
    world.edit(training=own | {"seed": 2})
    world.run_to_ready(reused=True)
    assert world.status()["usage"] == {"trainingSeconds": 15, "gpuSeconds": 19}


@pytest.mark.parametrize(
    ("strategy", "overrides", "message"),
    [
        ("FeatureExtraction", {}, "trained on cpu."),
        ("FeatureExtraction", {"strategy": "FeatureExtraction"}, "trained on cpu."),
        ("Auto", {"strategy": "FineTuning"}, "trained on cpu; Auto chose FineTuning."),
        ("Auto", {}, "trained on cpu."),
        ("Auto", {"strategy": "FineTuning", "reused": True}, "nothing was trained; Auto chose FineTun"),
        (
            "Auto",
            {"strategy": "FeatureExtraction", "budgetExceeded": "spec.training.budget.gpuSeconds"},
            "Auto chose FeatureExtraction. spec.training.budget.gpuSeconds ended it before it was done, so this is the "
            "best model until then. To train for longer, raise that and change spec.training.seed.",
        ),
    ],
)
def test_how_it_was_trained(strategy: str, overrides: dict[str, Any], message: str) -> None:
    world = World()
    world.create(
        backbone={"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}}, training={"strategy": strategy}
    )
    world.run_to_ready(**overrides)
    trained = world.condition("Trained")
    assert trained["status"] == "True"
    assert message in trained["message"]


def test_versions_of_before_gpus_were_counted_can_be_read() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    del world.recorded["digits-v1"]["data"]["gpus"]
    before = world.status()
    world.settle()
    assert world.status() == before
