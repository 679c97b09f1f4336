"""Who may not see everything, and what does not answer: one sentence and the remedy, or as much as can be shown."""

import json
import uuid
from pathlib import Path

import pytest

from tests.api.cluster.conftest import Scene, condition, run_command
from tests.support.kubectl import kubectl


def kubeconfig_of(scene: Scene, user: str, *rules: dict[str, list[str]]) -> Path:
    """A user who has these rights in the namespace."""
    issued = scene.server.plane.authority.issue(user, user)
    if rules:
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": user}}
        scene.create(role | {"rules": list(rules)})
        scene.kubectl("create", "rolebinding", user, f"--role={user}", f"--user={user}")
    return Path(scene.server.plane.kubeconfig_for(user, issued))


VIEW: dict[str, list[str]] = {
    "apiGroups": ["transferlearning.dev", "", "batch", "apps"],
    "resources": ["transfermodels", "pods", "jobs", "events", "controllerrevisions"],
    "verbs": ["get", "list"],
}


def test_a_user_who_sees_the_namespace_only_is_told_what_is_left_out(scene: Scene) -> None:
    model = scene.model("digits")
    trained = condition("Trained", "False", "SecretNotFound", 'The container cannot start: secret "s3" not found.')
    scene.status(model, stage="Pending", conditions=[trained, trained | {"type": "Ready"}])
    kubeconfig = kubeconfig_of(scene, f"viewer-{uuid.uuid4().hex[:6]}", VIEW)
    ran = scene.command("describe", "digits", "--json", kubeconfig=kubeconfig)
    assert ran.code == 6
    assert ran.json["causes"][0]["remedies"][0].startswith("kubectl create secret generic s3 ")
    assert {"the operator", "secret s3"} <= set(ran.json["unread"])


def test_a_user_without_rights_gets_one_sentence(scene: Scene) -> None:
    scene.model("digits")
    ran = scene.command("status", "digits", kubeconfig=kubeconfig_of(scene, f"nobody-{uuid.uuid4().hex[:6]}"))
    assert ran.code == 1
    assert 'cannot get resource "transfermodels"' in ran.err
    assert len(ran.err.splitlines()) == 2


def kubeconfig(folder: Path, server: str, **user: str) -> Path:
    """A kubeconfig for some address."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "users": [{"name": "u", "user": user}],
        "clusters": [{"name": "k", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "there"}}],
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("command", ["status", "describe", "logs", "versions", "report"])
def test_a_cluster_that_does_not_answer_is_one_sentence(tmp_path: Path, command: str) -> None:
    ran = run_command(command, "digits", kubeconfig=kubeconfig(tmp_path, "https://127.0.0.1:9"), folder=tmp_path)
    assert ran.code == 5
    assert "https://127.0.0.1:9 does not answer: nothing listens there" in ran.err
    assert len(ran.err.splitlines()) == 2


def test_wrong_credentials_are_one_sentence(scene: Scene, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path, scene.server.url, token="wrong")
    ran = run_command("status", "--cluster", kubeconfig=file)
    assert ran.code == 5
    assert "does not accept the kubeconfig's credentials" in ran.err


def test_kubeconfigs_that_cannot_be_used_are_one_sentence(scene: Scene, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("{not: [yaml")
    for arguments, sentence in (
        (("--kubeconfig", str(tmp_path / "none")), "There is no kubeconfig"),
        (("--kubeconfig", str(broken)), "cannot be used"),
        (("--kubeconfig", str(scene.server.kubeconfig), "--context", "other"), "other"),
        (("--cluster",), "No cluster is configured"),
    ):
        ran = run_command("status", "digits", *arguments, kubeconfig=None, folder=tmp_path)
        assert ran.code == 5, arguments
        assert sentence in ran.err
        assert len(ran.err.splitlines()) == 2


def test_the_namespace_is_that_of_the_context(scene: Scene, tmp_path: Path) -> None:
    scene.model("digits")
    own = tmp_path / "kubeconfig"
    own.write_text(Path(scene.server.kubeconfig).read_text())
    context = kubectl(scene.server, "config", "current-context").strip()
    assert run_command("status", "digits", kubeconfig=own, folder=tmp_path).code == 4
    kubectl(scene.server, "config", "set-context", context, f"--namespace={scene.namespace}", f"--kubeconfig={own}")
    assert run_command("status", "digits", kubeconfig=own, folder=tmp_path).code == 6


def test_local_and_cluster_contradict_each_other(tmp_path: Path) -> None:
    ran = run_command("status", "--local", "--cluster", kubeconfig=None, folder=tmp_path)
    assert ran.code == 2
    assert "--local" in ran.err
