"""The preflight against a real API server without Knative and KServe, and against what is no cluster at all."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster import apiserver
from devcluster.apiserver import Server


@pytest.fixture(scope="module", name="api_server")
def bare_api_server() -> Iterator[Server]:
    """Start one for this module: in that of the other tests something may be installed."""
    with apiserver.running() as server:
        yield server


def preflight(kubeconfig: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it as `make cluster-up CLUSTER=existing` does."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TRANSFERMODEL_"))},
        "CLUSTER": "existing",
        "KUBECONFIG": kubeconfig,
        **variables,
    }
    command = [sys.executable, "-m", "devcluster", "up"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)


def resource_versions(server: Server) -> str:
    """Every object of some kinds with its version: whatever is written changes it."""
    kinds = "crds,deployments,configmaps,namespaces,secrets,services"
    command = [str(server.programs / "kubectl"), "--kubeconfig", str(server.kubeconfig), "get", kinds, "-A", "-o"]
    columns = "custom-columns=N:.metadata.name,V:.metadata.resourceVersion"
    return subprocess.run([*command, columns], capture_output=True, text=True, check=True).stdout


def test_a_bare_cluster_lacks_everything_and_stays_as_it_is(api_server: Server) -> None:
    before = resource_versions(api_server)
    done = preflight(str(api_server.kubeconfig))
    assert done.returncode == 1
    assert "✓ Kubernetes: 1.34" in done.stderr
    for line in ("✗ Knative Serving: its CRDs are missing", "✗ KServe: its CRDs are missing", "✗ AWS_ACCESS_KEY_ID"):
        assert line in done.stderr
    assert "serving-core.yaml" in done.stderr
    assert resource_versions(api_server) == before


def test_settings_that_are_set_are_not_asked_for(api_server: Server) -> None:
    done = preflight(str(api_server.kubeconfig), AWS_ACCESS_KEY_ID="key")
    assert "✓ AWS_ACCESS_KEY_ID: set" in done.stderr
    assert "key" not in done.stderr.replace("the access key", "").replace("the secret key", "").split("→")[0]


def test_what_the_user_may_not_read_is_said(api_server: Server) -> None:
    nobody = api_server.plane.authority.issue("onlooker", "onlooker")
    done = preflight(str(api_server.plane.kubeconfig_for("onlooker", nobody)))
    assert done.returncode == 1
    assert "✗ Access: the current user may not read /apis/apiextensions.k8s.io" in done.stderr


def test_no_kubeconfig_is_one_sentence(tmp_path: Path) -> None:
    for kubeconfig, sentence in (("", "is not set"), (str(tmp_path / "none"), "there is no such file")):
        done = preflight(kubeconfig)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_server_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{apiVersion: v1, kind: Config, current-context: c, users: [], "
        "contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]}"
    )
    done = preflight(str(kubeconfig))
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert len(done.stderr.splitlines()) == 1
