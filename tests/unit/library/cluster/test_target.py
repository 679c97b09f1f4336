"""Which model is meant: this machine's when it has one of that name, else the cluster's."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from transfermodel.errors import NotFound, NotReady, TransferModelError, UsageError
from transfermodel.workspace import Workspace
from transfermodel.workspace.records import RunRecord
from transfermodel_cli.target import ClusterTarget, LocalTarget, Place, choose

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "c",
    "users": [{"name": "u", "user": {"token": "t"}}],
    "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:9"}}],
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "team"}}],
}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the model `digits`, and no cluster."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "TRANSFERMODEL_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    Workspace().make("digits", "default").write_run(RunRecord(run="r", state="Failed", started_at=now))
    return tmp_path


@pytest.fixture
def kubeconfig(alone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cluster is configured, too; nothing answers there."""
    file = alone / "kubeconfig"
    file.write_text(json.dumps(KUBECONFIG))
    monkeypatch.setenv("KUBECONFIG", str(file))
    return file


def test_this_machine_comes_first(kubeconfig: Path) -> None:
    target = choose("digits", Place())
    assert isinstance(target, LocalTarget)
    assert "on this machine" in target.says
    with pytest.raises(NotReady, match="not being served"):
        target.endpoint()


@pytest.mark.parametrize("place", [{"cluster": True}, {"context": "c"}, {"namespace": "other"}])
def test_a_cluster_that_is_asked_for_is_taken(kubeconfig: Path, place: dict[str, Any]) -> None:
    target = choose("digits", Place(**place))
    assert isinstance(target, ClusterTarget)
    assert target.namespace == place.get("namespace", "team")
    assert "https://127.0.0.1:9" in target.says


def test_a_name_that_this_machine_does_not_know_is_the_clusters(kubeconfig: Path) -> None:
    assert isinstance(choose("colours", Place()), ClusterTarget)
    with pytest.raises(NotFound):
        choose("colours", Place(local=True))


def test_as_kubectls_plugin_the_cluster_comes_first(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/kubectl-transfermodel"])
    assert isinstance(choose("digits", Place()), ClusterTarget)
    assert isinstance(choose("digits", Place(local=True)), LocalTarget)


def test_without_a_cluster_the_models_of_this_machine_are_named() -> None:
    with pytest.raises(NotFound) as caught:
        choose("colours", Place())
    assert "no cluster is configured" in caught.value.message
    assert "Here are: digits." in caught.value.remedy


def test_contradictions_are_refused() -> None:
    with pytest.raises(UsageError):
        Place(local=True, context="c")


def test_no_cluster_is_one_error_of_ours() -> None:
    with pytest.raises(TransferModelError, match="No cluster is configured"):
        choose("digits", Place(cluster=True))
