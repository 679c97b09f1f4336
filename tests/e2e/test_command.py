"""The command against the whole stack: a model that trains well, broken ones, and doctor."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devcluster import golang
from tests.support import datasets
from tests.support.command import Ended, run_in
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import Stack, Workspace
from tests.support.waiting import wait_for

SERVED = "colours"
"""Trains well, and is served."""


def environment(stack: Stack, **variables: str) -> dict[str, str]:
    """An environment that knows the kubeconfig and nothing else of the cluster."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TRANSFERMODEL_"))}
    return kept | {"KUBECONFIG": stack.kubeconfig, **variables}


def run(stack: Stack, *arguments: str, folder: Path | None = None, **variables: str) -> Ended:
    """Run `transfermodel` as a process."""
    return run_in(environment(stack, **variables), *arguments, folder=folder, deadline_seconds=180)


@dataclass(frozen=True)
class Scene:
    """One namespace with models in every state, and a folder without a workspace."""

    workspace: Workspace
    folder: Path

    def command(self, *arguments: str, **variables: str) -> Ended:
        """Run a command on the namespace."""
        space = ("-n", self.workspace.namespace)
        return run(self.workspace.stack, *arguments, *space, folder=self.folder, **variables)


@pytest.fixture(scope="module")
def scene(shared_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Everything is applied at once; each test waits for its own."""
    w = shared_workspace
    train, test = w.upload("train", datasets.folder()), w.upload("test", datasets.folder(per_class=6, first=100))
    none = {"mode": "None"}

    def broken(**changes: Any) -> Manifest:
        return quick_spec(train, serving=none, **changes)

    w.apply(SERVED, quick_spec(train, test))
    w.apply("no-secret", broken(data={"train": {"uri": train}, "credentialsSecretName": "absent"}))
    w.apply("bad-data", broken(data={"train": {"uri": f"{train}-none"}, "credentialsSecretName": "s3"}))
    gpus = quick_spec(train)["training"] | {"resources": {"limits": {"nvidia.com/gpu": 64}}}
    w.apply("many-gpus", broken(training=gpus))
    return Scene(w, tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def served(scene: Scene) -> Scene:
    """The same, once the good model is ready."""
    scene.workspace.wait_ready(SERVED)
    return scene


def test_status_of_a_served_model(served: Scene) -> None:
    ran = served.command("status", SERVED, "--json")
    assert ran.code == 0
    status = served.workspace.status(SERVED)
    assert ran.json["ready"] is True
    assert ran.json["version"] == "v1"
    assert ran.json["url"] == status["url"]
    assert ran.json["accuracy"] == status["versions"][0]["metrics"]["accuracy"]
    assert SERVED in served.command("status").out


def test_describe_tells_the_story_of_a_served_model(served: Scene) -> None:
    ran = served.command("describe", SERVED)
    assert ran.code == 0
    story = ran.out.partition("What happened")[2]
    told = ["TransferModel created", "training run started", "trainer started", "v1 recorded", "rollout of v1 began"]
    assert [story.index(words) for words in told] == sorted(story.index(words) for words in told)
    assert "predictions are answered (Served" in ran.out


def test_versions(served: Scene) -> None:
    (version,) = served.command("versions", SERVED, "--json").json["versions"]
    recorded = served.workspace.status(SERVED)["versions"][0]
    assert (version["name"], version["state"], version["split"], version["classes"]) == ("v1", "Live", "test", 3)
    assert (version["digest"], version["uri"]) == (recorded["digest"], recorded["uri"])
    assert float(version["accuracyLow"]) <= float(version["accuracy"]) <= float(version["accuracyHigh"])


def test_logs_of_the_run_are_for_people(served: Scene) -> None:
    ran = served.command("logs", SERVED, "--run")
    assert ran.code == 0
    assert "100 %" in ran.out or "epoch 2 of 2" in ran.out
    assert '"progress"' not in ran.out
    for line in served.command("logs", SERVED, "--run", "--json").out.splitlines():
        json.loads(line)
    operator = served.command("logs", SERVED, "--operator")
    assert f"{served.workspace.namespace}/{SERVED}: create Job" in operator.out


def test_report_through_the_cluster_and_directly(served: Scene) -> None:
    for more in ((), ("--endpoint-url", served.workspace.stack.s3["endpoint"])):
        file = served.folder / "report.html"
        ran = served.command("report", SERVED, "--out", str(file), *more)
        assert ran.code == 0, ran.err
        assert file.read_text().lstrip().lower().startswith("<!doctype html")
        file.unlink()
    refused = served.command("report", SERVED, "--endpoint-url", "http://127.0.0.1:9")
    assert refused.code == 5
    assert "--endpoint-url" in refused.err


RELAY = """
import asyncio, os
async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def serve(reader, writer):
    inward, outward = await asyncio.open_connection(os.environ["TO"], int(os.environ["PORT"]))
    await asyncio.gather(pump(reader, outward), pump(inward, writer), return_exceptions=True)
async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", 8000)
    await server.serve_forever()
asyncio.run(main())
"""


def test_report_from_a_storage_that_only_pods_reach(served: Scene) -> None:
    """As with MinIO in a namespace: the API server's proxy leads to its pods, with a signature in the URL."""
    w = served.workspace
    predictor = w.inference_service(SERVED)["spec"]["predictor"]["containers"][0]
    inside = w.stack.s3["inClusterEndpoint"]
    host, _, port = inside.removeprefix("http://").rpartition(":")
    pod = {
        "containers": [
            {
                "name": "relay",
                "image": predictor["image"],
                "imagePullPolicy": predictor["imagePullPolicy"],
                "command": ["python", "-c", RELAY],
                "env": [{"name": "TO", "value": host}, {"name": "PORT", "value": port}],
                "ports": [{"containerPort": 8000}],
                "securityContext": predictor["securityContext"],
            }
        ]
    }
    metadata = {"name": "relay", "namespace": w.namespace, "labels": {"app": "relay"}}
    w.stack.core.create_namespaced_pod(w.namespace, {"metadata": metadata, "spec": pod})
    ports = [{"name": "http", "port": 9000, "targetPort": 8000}]
    service = {"metadata": {"name": "relay"}, "spec": {"selector": {"app": "relay"}, "ports": ports}}
    w.stack.core.create_namespaced_service(w.namespace, service)
    body = {"stringData": {"AWS_ENDPOINT_URL": f"http://relay.{w.namespace}.svc.cluster.local:9000"}}
    w.stack.core.patch_namespaced_secret("s3", w.namespace, body)
    try:
        file = served.folder / "through.html"

        def fetched() -> bool:
            return served.command("report", SERVED, "--out", str(file)).code == 0

        def explain() -> str:
            return served.command("report", SERVED, "--out", str(file)).err

        wait_for(fetched, timeout_seconds=60, what="the report comes through the relay", explain=explain)
        assert file.read_text().lstrip().lower().startswith("<!doctype html")
        keys = {"stringData": {"AWS_SECRET_ACCESS_KEY": "not-the-secret-of-this-key"}}
        w.stack.core.patch_namespaced_secret("s3", w.namespace, keys)
        refused = served.command("report", SERVED, "--out", str(file))
        assert refused.code == 1
        assert "SignatureDoesNotMatch" in refused.err
    finally:
        whole = {"AWS_ENDPOINT_URL": inside, "AWS_SECRET_ACCESS_KEY": w.stack.s3["secretKey"]}
        w.stack.core.patch_namespaced_secret("s3", w.namespace, {"stringData": whole})


def test_predict_finds_the_ingress_itself_and_wakes_the_model(served: Scene) -> None:
    picture = served.folder / "red.png"
    picture.write_bytes(datasets.picture("red", 500))
    selector = f"serving.kserve.io/inferenceservice={SERVED}"
    wait_for(lambda: not served.workspace.pods(selector), timeout_seconds=120, what="zero pods")
    assert "scaled to zero" in served.command("logs", SERVED, "--serve").err
    assert "Scaled to zero" in served.command("describe", SERVED).out
    ran = served.command("predict", SERVED, str(picture), "--json")
    assert ran.code == 0, ran.err
    (expected,) = served.workspace.predict(SERVED, [picture.read_bytes()])
    assert expected["label"] in ran.out
    logs = served.command("logs", SERVED, "--serve")
    assert logs.code == 0
    assert logs.out


def test_an_ingress_that_is_named_is_the_only_one_tried(served: Scene) -> None:
    picture = served.folder / "blue.png"
    picture.write_bytes(datasets.picture("blue", 500))
    ran = served.command("predict", SERVED, str(picture), TRANSFERMODEL_INGRESS="http://127.0.0.1:9")
    assert ran.code == 5
    assert "http://127.0.0.1:9 ($TRANSFERMODEL_INGRESS): nothing listens there" in ran.err
    assert "port-forward" in ran.err
    named = served.command("predict", SERVED, str(picture), TRANSFERMODEL_INGRESS=served.workspace.stack.ingress)
    assert named.code == 0, named.err


@pytest.mark.parametrize(
    ("name", "reason", "remedy"),
    [
        ("no-secret", "SecretNotFound", "kubectl create secret generic absent -n {namespace} "),
        ("bad-data", "DataNotFound", "kubectl annotate transfermodel bad-data -n {namespace} "),
        ("many-gpus", "Unschedulable", '"nvidia.com/gpu": null'),
    ],
)
def test_describe_names_the_cause_and_the_remedy(scene: Scene, name: str, reason: str, remedy: str) -> None:
    w = scene.workspace
    w.wait_reason(name, "Trained", reason, timeout_seconds=300)
    ran = scene.command("describe", name, "--json")
    assert ran.code == 6
    assert ran.json["causes"][0]["reason"] == reason
    assert any(remedy.format(namespace=w.namespace) in command for command in ran.json["causes"][0]["remedies"])
    text = scene.command("describe", name).out
    assert text.index("why") < text.index("Conditions")
    assert scene.command("status", name).code == 6
    assert scene.command("predict", name, __file__).code != 0


def test_the_remedy_of_a_missing_secret_mends_it(scene: Scene) -> None:
    w = scene.workspace
    w.wait_reason("no-secret", "Trained", "SecretNotFound", timeout_seconds=300)
    assert scene.command("logs", "no-secret").code == 6
    w.create_secret("absent")
    w.wait_ready("no-secret")
    ran = scene.command("status", "no-secret", "--json")
    assert (ran.code, ran.json["cause"]) == (0, None)


def test_logs_follow_a_run_to_its_end(scene: Scene) -> None:
    w = scene.workspace
    w.apply("followed", quick_spec(w.upload("train", datasets.folder()), serving={"mode": "None"}))
    wait_for(lambda: w.jobs("followed"), timeout_seconds=60, what="its Job")
    wait_for(lambda: scene.command("logs", "followed").code != 4, timeout_seconds=60, what="its pod")
    ran = scene.command("logs", "followed", "--follow")
    assert ran.code == 0
    assert "Done:" in ran.out


def test_as_a_plugin_of_kubectl(served: Scene) -> None:
    programs = Path(sys.executable).parent  # the installed entry point kubectl-transfermodel
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [
            str(golang.build("kubernetes") / "kubectl"),
            "transfermodel",
            "status",
            SERVED,
            "-n",
            served.workspace.namespace,
        ],
        env=environment(served.workspace.stack, PATH=path),
        cwd=served.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Ready" in done.stdout


def test_doctor_finds_all_well(stack: Stack, workspace: Workspace, tmp_path: Path) -> None:
    workspace.apply("quiet", quick_spec(workspace.upload("train", datasets.folder()), suspend=True))
    ran = run(stack, "doctor", "--cluster", "--json", "-n", workspace.namespace, folder=tmp_path)
    wrong = [finding for finding in ran.json["findings"] if finding["level"] == "error"]
    assert (ran.code, ran.json["well"], wrong) == (0, True, [])
    subjects = {finding["subject"] for finding in ran.json["findings"]}
    assert {"Kubernetes", "Knative Serving", "Ingress", "KServe", "TransferModel CRD", "Operator"} <= subjects
    assert {"Nodes", "GPU", "Credentials", "Storage", "Images"} <= subjects


def test_doctor_finds_what_is_broken(stack: Stack, workspace: Workspace, tmp_path: Path) -> None:
    spec = quick_spec(workspace.upload("train", datasets.folder()), suspend=True)
    workspace.create_secret("wrong", AWS_SECRET_ACCESS_KEY="not-the-secret-of-this-key")
    workspace.create_secret("elsewhere", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    for name in ("wrong", "elsewhere", "absent"):
        data = spec["data"] | {"credentialsSecretName": name}
        workspace.apply(f"model-{name}", spec | {"data": data})
    bucket = {"uri": "s3://no-such-bucket", "credentialsSecretName": "s3"}
    workspace.apply("model-bucket", spec | {"output": bucket})
    space = ("-n", workspace.namespace)
    ran = run(
        stack, "doctor", "--cluster", "--json", *space, folder=tmp_path, TRANSFERMODEL_INGRESS="http://127.0.0.1:9"
    )
    assert ran.code == 6
    errors = [finding for finding in ran.json["findings"] if finding["level"] == "error"]
    assert all(finding["remedies"] for finding in errors)
    texts = "\n".join(f"{finding['subject']}: {finding['text']}" for finding in errors)
    assert "Ingress: no address of it answers" in texts
    assert "Credentials: Secret absent is missing" in texts
    assert "SignatureDoesNotMatch" in texts
    assert "http://127.0.0.1:9 does not answer" in texts
    assert "There is no bucket s3://no-such-bucket" in texts
    assert len(errors) == 5, texts
