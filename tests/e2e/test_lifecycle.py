"""One TransferModel from apply to predictions, through edits, suspension, zero pods and back."""

from tests.support import datasets
from tests.support.specs import quick_spec
from tests.support.stack import Workspace
from tests.support.traffic import traffic
from tests.support.waiting import hold, wait_for


def test_trains_serves_scales_to_zero_and_wakes(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    test = workspace.upload("test", datasets.folder(per_class=6, first=100))
    workspace.apply("colours", quick_spec(train, test))
    status = workspace.wait_ready("colours")

    assert {c["type"]: c["status"] for c in status["conditions"]} == dict.fromkeys(
        ("DataReady", "Trained", "Evaluated", "Serving", "Ready"), "True"
    )
    (version,) = status["versions"]
    assert version["name"] == "v1"
    assert version["state"] == "Live"
    assert version["digest"].startswith("sha256:")
    assert 0.0 <= float(version["metrics"]["accuracy"]) <= 1.0
    assert status["serving"]["version"] == "v1"
    assert status["serving"]["verifiedAt"]
    assert status["usage"]["trainingSeconds"] >= 1
    assert f"{version['uri'].removeprefix('s3://models/')}/manifest.json" in workspace.artifacts("colours")
    printed = workspace.stack.kubectl("get", "tm", "-n", workspace.namespace)
    assert "Ready" in printed
    assert status["url"] in printed

    (answer,) = workspace.predict("colours", [datasets.picture("red", 500)])
    assert answer["modelVersion"] == "v1"
    assert set(answer["probabilities"]) == {"blue", "green", "red"}
    assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].__getitem__)
    assert abs(sum(answer["probabilities"].values()) - 1) < 1e-3

    selector = "serving.kserve.io/inferenceservice=colours"
    wait_for(lambda: not workspace.pods(selector), timeout_seconds=120, what="zero pods")
    assert workspace.condition("colours", "Ready")["status"] == "True", "scaled to zero is not unready"
    (woken,) = workspace.predict("colours", [datasets.picture("red", 500)])
    assert woken["probabilities"] == answer["probabilities"]

    events = workspace.stack.kubectl("describe", "tm", "colours", "-n", workspace.namespace)
    for word in ("Training", "v1"):
        assert word in events.split("Events:")[1], events


def test_an_edit_retrains_and_the_old_version_serves_until_the_new_one_is_live(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    spec = quick_spec(train, serving={"minReplicas": 1})
    workspace.apply("edited", spec)
    first = workspace.wait_ready("edited")

    with traffic(workspace, "edited", datasets.picture("blue", 7)) as seen:
        workspace.patch("edited", {"spec": {"training": {"seed": 1}}})
        wait_for(
            lambda: workspace.status("edited").get("serving", {}).get("version") == "v2",
            timeout_seconds=300,
            what="v2 serves",
            explain=lambda: workspace.explain("edited"),
        )
        wait_for(lambda: "v2" in seen.answers, timeout_seconds=60, what="v2 answers")
    assert seen.failures == []
    assert seen.answers[0] == "v1"
    assert seen.answers == sorted(seen.answers), "after the first answer of v2 none comes from v1"
    second = workspace.wait_ready("edited")
    assert [(v["name"], v["state"]) for v in second["versions"]] == [("v1", "Retired"), ("v2", "Live")]
    assert second["versions"][0]["digest"] == first["versions"][0]["digest"]


def test_a_serving_edit_never_retrains(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    workspace.apply("served", quick_spec(train))
    workspace.wait_ready("served")
    jobs = {job["metadata"]["uid"] for job in workspace.jobs("served")}

    workspace.patch("served", {"spec": {"serving": {"maxReplicas": 2, "containerConcurrency": 4}}})
    wait_for(
        lambda: workspace.inference_service("served")["spec"]["predictor"].get("maxReplicas") == 2,
        timeout_seconds=30,
        what="the InferenceService follows",
    )
    status = workspace.wait_ready("served")
    assert {job["metadata"]["uid"] for job in workspace.jobs("served")} == jobs
    assert [v["name"] for v in status["versions"]] == ["v1"]
    assert workspace.predict("served", [datasets.picture("green", 3)])[0]["modelVersion"] == "v1"


def test_an_edit_while_training_replaces_the_run(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder(per_class=60))
    long = quick_spec(train, serving={"mode": "None"})
    long["training"]["fineTuning"]["epochs"] = 400
    workspace.apply("hasty", long)
    wait_for(lambda: workspace.pods("job-name"), timeout_seconds=30, what="the first run has a pod")
    (first,) = workspace.jobs("hasty")

    workspace.patch("hasty", {"spec": {"training": {"fineTuning": {"epochs": 1}}}})
    status = workspace.wait_ready("hasty")
    assert [v["name"] for v in status["versions"]] == ["v1"]
    assert first["metadata"]["uid"] not in {job["metadata"]["uid"] for job in workspace.jobs("hasty")}


def test_suspend_stops_a_run_and_keeps_what_serves(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder(per_class=60))
    spec = quick_spec(train)
    workspace.apply("paused", spec)
    workspace.wait_ready("paused")

    spec["training"]["fineTuning"]["epochs"] = 300
    workspace.apply("paused", spec)
    wait_for(
        lambda: any(job.get("status", {}).get("active") for job in workspace.jobs("paused")),
        timeout_seconds=30,
        what="the second run is active",
    )
    workspace.patch("paused", {"spec": {"suspend": True}})
    wait_for(
        lambda: not any(job.get("status", {}).get("active") for job in workspace.jobs("paused")),
        timeout_seconds=60,
        what="the run is stopped",
    )
    workspace.wait_reason("paused", "Trained", "Suspended")
    assert workspace.predict("paused", [datasets.picture("green", 3)])[0]["modelVersion"] == "v1"
    hold(
        lambda: not any(job.get("status", {}).get("active") for job in workspace.jobs("paused")),
        seconds=3,
        what="a suspended model starts no run",
    )

    workspace.patch("paused", {"spec": {"suspend": False, "training": {"fineTuning": {"epochs": 1}}}})
    status = workspace.wait_ready("paused")
    assert status["serving"]["version"] == "v2"


def test_mode_none_trains_and_serves_nothing(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    workspace.apply("silent", quick_spec(train, serving={"mode": "None"}))
    status = workspace.wait_ready("silent")
    assert workspace.inference_service("silent") == {}
    assert "url" not in status
    assert {c["type"]: c["reason"] for c in status["conditions"]}["Serving"] == "NotServed"
