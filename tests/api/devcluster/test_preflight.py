"""The preflight against a real API server without Knative and KServe, and against what is no cluster at all."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster import apiserver
from devcluster.apiserver import Server
from tests.support.api_proxy import api_proxy
from tests.support.kubectl import plain_kubeconfig


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


async def test_a_bare_cluster_lacks_everything_and_is_only_read(api_server: Server, tmp_path: Path) -> None:
    async with api_proxy(api_server.kubeconfig) as proxy:
        kubeconfig = plain_kubeconfig(proxy.url, tmp_path / "kubeconfig")
        done = await asyncio.to_thread(preflight, str(kubeconfig))
    assert done.returncode == 1
    assert "✓ Kubernetes: 1.34" in done.stderr
    for line in ("✗ Knative Serving: its CRDs are missing", "✗ KServe: its CRDs are missing", "✗ AWS_ACCESS_KEY_ID"):
        assert line in done.stderr
    assert "serving-core.yaml" in done.stderr
    # Not versions of objects before and after: an API server writes some of its own, such as its Service, while it
    # already answers.
    assert proxy.requests
    assert {request.method for request in proxy.requests} == {"GET"}


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
    done = preflight(str(plain_kubeconfig("http://127.0.0.1:9", tmp_path / "kubeconfig")))
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert len(done.stderr.splitlines()) == 1
