"""`doctor` against a real API server without Knative, KServe and operator."""

import json
from pathlib import Path
from typing import Any

from tests.api.cluster.conftest import Scene
from tests.support.kubectl import kubectl


def findings(scene: Scene, kubeconfig: Path | None = None) -> dict[str, list[dict[str, Any]]]:
    """Run doctor; return its findings by subject."""
    ran = scene.command("doctor", "--cluster", "--json", kubeconfig=kubeconfig)
    assert ran.code == (0 if ran.json["well"] else 6)
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in ran.json["findings"]:
        assert finding["part"] == "cluster"
        assert finding["level"] == "ok" or finding["remedies"], f"no fix: {finding}"
        found.setdefault(finding["subject"], []).append(finding)
    return found


def test_a_bare_cluster_lacks_almost_everything_and_looking_needs_no_right_to_write(scene: Scene) -> None:
    user = f"auditor-{scene.namespace}"
    kubectl(scene.server, "create", "clusterrole", user, "--verb=get,list", "--resource=*.*")
    kubectl(scene.server, "create", "clusterrolebinding", user, f"--clusterrole={user}", f"--user={user}")
    issued = scene.server.plane.authority.issue(user, user)
    found = findings(scene, Path(scene.server.plane.kubeconfig_for(user, issued)))
    assert {subject: group[0]["level"] for subject, group in found.items()} == {
        "Kubernetes": "ok",
        "Knative Serving": "error",
        "KServe": "error",
        "TransferModel CRD": "ok",
        "Operator": "error",
        "Namespace": "ok",
    }
    assert "serving-core.yaml" in json.dumps(found["Knative Serving"])


def test_the_secret_of_a_model_is_looked_at(scene: Scene) -> None:
    scene.model("digits")
    (missing,) = findings(scene)["Credentials"]
    assert missing["level"] == "error"
    assert missing["remedies"][0].startswith(f"kubectl create secret generic s3 -n {scene.namespace} ")
    scene.secret("s3", "AWS_SECRET_ACCESS_KEY")
    (incomplete,) = findings(scene)["Credentials"]
    assert "lacks AWS_ACCESS_KEY_ID" in incomplete["text"]
    scene.kubectl("patch", "secret", "s3", "-p", incomplete["remedies"][0].rpartition(" -p ")[2].strip("'"))
    (complete,) = findings(scene)["Credentials"]
    assert complete["level"] == "ok"


def test_storage_that_does_not_answer_is_found(scene: Scene) -> None:
    scene.model("digits")
    endpoint = "--from-literal=AWS_ENDPOINT_URL=http://127.0.0.1:9"
    keys = ("--from-literal=AWS_ACCESS_KEY_ID=x", "--from-literal=AWS_SECRET_ACCESS_KEY=x")
    scene.kubectl("create", "secret", "generic", "s3", endpoint, *keys)
    probes = findings(scene)["Storage"]
    assert {probe["text"].partition(":// ")[0].split(": ")[0] for probe in probes} == {"s3://datasets", "s3://models"}
    assert all(probe["level"] == "error" and "does not answer" in probe["text"] for probe in probes)


def test_a_quota_without_room_is_found(scene: Scene) -> None:
    hard = {"pods": "5", "requests.memory": "512Mi", "limits.cpu": "4"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": hard}}
    scene.create(quota)
    texts = [finding["text"] for finding in findings(scene)["Quota"]]
    assert len(texts) == 2
    assert any("requests.memory 536870912; a training pod needs 1073741824" in text for text in texts)
    assert any("demands limits.cpu" in text for text in texts)


def test_a_model_that_is_not_ready_is_pointed_at(scene: Scene) -> None:
    scene.model("digits")
    (finding,) = findings(scene)["Models"]
    assert finding["level"] == "warning"
    assert finding["remedies"] == [f"transfermodel describe digits -n {scene.namespace}"]
