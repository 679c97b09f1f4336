"""`status` and `describe`: the reason and the remedy, read from real objects of a real API server."""

import json
from collections.abc import Iterator

import pytest

from tests.api.cluster.conftest import Manifest, Scene, condition
from tests.support.played import now


def failed(scene: Scene, name: str, reason: str, message: str, **changes: object) -> tuple[Manifest, str]:
    """A TransferModel whose training pod is there and whose Trained condition is False."""
    model = scene.model(name, **changes)
    pod = scene.training_pod(model)
    conditions = [condition(kind, "False", reason, message) for kind in ("Trained", "Ready")]
    scene.status(model, conditions=conditions, stage="Failed", training={"run": "ab" * 32, "attempt": 1})
    return model, pod


def test_a_missing_secret_is_named_with_the_command_that_makes_it(scene: Scene) -> None:
    _, pod = failed(scene, "digits", "SecretNotFound", 'The container cannot start: secret "s3" not found.')
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "s3" not found'}
    scene.container(pod, {"waiting": waiting})

    ran = scene.command("describe", "digits", "--json")
    assert ran.code == 6
    (cause,) = ran.json["causes"]
    assert cause["reason"] == "SecretNotFound"
    (remedy,) = cause["remedies"]
    assert remedy.startswith(f"kubectl create secret generic s3 -n {scene.namespace} ")
    (seen,) = ran.json["run"]["pods"]
    assert seen["name"] == pod
    assert seen["phase"] == "CreateContainerConfigError"
    assert 'secret "s3" not found' in seen["problem"]

    text = scene.command("describe", "digits")
    assert text.code == 6
    for words in ("why ", remedy, "the storage credentials are missing", f"pod {pod}", "training run started"):
        assert words in text.out


def test_a_secret_that_lacks_a_key_is_told_from_one_that_is_missing(scene: Scene) -> None:
    scene.secret("s3", "AWS_ACCESS_KEY_ID")
    failed(scene, "digits", "SecretNotFound", "couldn't find key AWS_SECRET_ACCESS_KEY in Secret.")
    (cause,) = scene.command("describe", "digits", "--json").json["causes"]
    (remedy,) = cause["remedies"]
    assert remedy.startswith(f"kubectl patch secret s3 -n {scene.namespace} ")
    assert "AWS_SECRET_ACCESS_KEY" in remedy
    assert "AWS_ACCESS_KEY_ID" not in remedy


def test_what_the_nodes_lack_is_named_and_the_remedy_can_be_run(scene: Scene) -> None:
    said = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    resources = {"limits": {"nvidia.com/gpu": 8, "memory": "4Gi"}}
    _, pod = failed(
        scene, "digits", "Unschedulable", f"No node can take the pod: {said}", training={"resources": resources}
    )
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    scene.patch_status("pod", pod, {"status": {"conditions": [unschedulable]}})

    (cause,) = scene.command("describe", "digits", "--json").json["causes"]
    patch, nodes = cause["remedies"]
    body = patch.rpartition(" -p ")[2].strip("'")
    scene.kubectl("patch", "transfermodel", "digits", "--type", "merge", "-p", body)
    left = json.loads(scene.kubectl("get", "transfermodel", "digits", "-o", "json"))["spec"]["training"]["resources"]
    assert left == {"limits": {"memory": "4Gi"}}, "only what is lacking is taken out"
    assert r"nvidia\.com/gpu" in nodes


def test_out_of_memory_has_a_larger_limit_as_its_remedy(scene: Scene) -> None:
    resources = {"limits": {"memory": "3Gi"}}
    _, pod = failed(scene, "digits", "OutOfMemory", "Training used more memory.", training={"resources": resources})
    ended = {"exitCode": 137, "reason": "OOMKilled", "startedAt": now(), "finishedAt": now()}
    scene.container(pod, {"terminated": ended}, "Failed")
    ran = scene.command("describe", "digits", "--json").json
    assert '"memory": "6Gi"' in ran["causes"][0]["remedies"][0]
    assert ran["run"]["pods"][0]["phase"] == "OOMKilled"
    assert any(m["warning"] and "137 (OOMKilled)" in m["what"] for m in ran["timeline"])


def test_the_trainers_own_words_are_read(scene: Scene) -> None:
    _, pod = failed(scene, "digits", "EmptyClass", "The class yellow is empty.")
    failure = {"outcome": "Failed", "failure": "User", "reason": "EmptyClass", "message": "The class yellow is empty."}
    ended = {"exitCode": 42, "reason": "Error", "message": json.dumps(failure), "startedAt": now(), "finishedAt": now()}
    scene.container(pod, {"terminated": ended}, "Failed")
    ran = scene.command("describe", "digits", "--json").json
    assert ran["run"]["pods"][0]["problem"] == "The class yellow is empty."
    assert "run-requested" in ran["causes"][0]["remedies"][-1]


@pytest.fixture
def operator(scene: Scene) -> Iterator[Manifest]:
    """An operator that looks after another namespace, and has no pod."""
    labels = {"app.kubernetes.io/name": "transfermodel", "app.kubernetes.io/version": "0.1.0"}
    settings = {"trainerImage": "t:1", "predictorImage": "p:1", "watchNamespaces": ["elsewhere"]}
    env = [{"name": "TRANSFERMODEL_OPERATOR_SETTINGS", "value": json.dumps(settings)}]
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "operator", "image": "o:1", "env": env}]}}
    yield scene.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "transfermodel-operator", "labels": labels},
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod},
        }
    )
    scene.kubectl("delete", "deployment", "transfermodel-operator", "--wait=true")


def test_nobody_looks_at_it_without_an_operator(scene: Scene) -> None:
    scene.model("digits")
    ran = scene.command("status", "digits", "--json")
    assert ran.code == 6
    assert ran.json["cause"]["reason"] == "NoOperator"
    assert "helm install" in ran.json["cause"]["remedies"][0]


def test_an_operator_that_looks_elsewhere_is_told_from_one_that_is_down(scene: Scene, operator: Manifest) -> None:
    scene.model("digits")
    assert scene.command("status", "digits", "--json").json["cause"]["reason"] == "NotWatched"
    container = operator["spec"]["template"]["spec"]["containers"][0]
    settings = {"trainerImage": "t:1", "predictorImage": "p:1"}
    container["env"] = [{"name": "TRANSFERMODEL_OPERATOR_SETTINGS", "value": json.dumps(settings)}]
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    scene.kubectl("patch", "deployment", "transfermodel-operator", "-p", json.dumps(patch))
    cause = scene.command("status", "digits", "--json").json["cause"]
    assert cause["reason"] == "OperatorDown"
    assert "--replicas=1" in cause["remedies"][0]


def test_a_ready_model_is_shown_with_its_version_and_address(scene: Scene) -> None:
    model = scene.model("digits")
    metrics = {"accuracy": "0.9381", "accuracyLow": "0.9118", "accuracyHigh": "0.9514"}
    version = {"name": "v1", "digest": "sha256:1", "uri": "s3://models/1", "metrics": metrics, "state": "Live"}
    scene.status(
        model,
        stage="Ready",
        url="http://digits-predictor.demo.example.com",
        conditions=[condition("Ready", "True", "Served", "v1 serves.")],
        versions=[version | {"createdAt": now()}],
        serving={"version": "v1"},
    )
    ran = scene.command("status", "digits")
    assert ran.code == 0
    assert "93.8 % (91.2 to 95.1)" in ran.out
    assert "http://digits-predictor.demo.example.com" in ran.out
    table = scene.command("status")
    assert table.code == 0
    assert "digits" in table.out


def test_a_status_of_an_earlier_spec_is_not_believed(scene: Scene) -> None:
    model = scene.model("digits")
    scene.status(model, stage="Ready", conditions=[condition("Ready", "True", "Served", "v1 serves.")])
    assert scene.command("status", "digits").code == 0
    scene.kubectl("patch", "transfermodel", "digits", "--type=merge", "-p", '{"spec": {"suspend": true}}')
    assert scene.command("status", "digits").code == 6


def test_an_unknown_name_is_answered_with_those_that_are_there(scene: Scene) -> None:
    scene.model("digits")
    for command in ("status", "describe", "logs", "versions", "report"):
        ran = scene.command(command, "digit")
        assert ran.code == 4, command
        assert "There are: digits." in ran.err
        assert ran.out == ""


def test_without_a_pod_logs_say_so(scene: Scene) -> None:
    scene.model("digits")
    ran = scene.command("logs", "digits")
    assert ran.code == 4
    assert "no training pod" in ran.err
