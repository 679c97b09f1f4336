"""The bare API server: real, with RBAC, and gone afterwards."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devcluster import apiserver, health, paths
from devcluster.apiserver import Server
from devcluster.processes import Identity
from tests.support.waiting import wait_for


def kubectl(server: Server, *arguments: str, kubeconfig: str = "") -> subprocess.CompletedProcess[str]:
    """Run kubectl, as the administrator unless told otherwise."""
    command = [str(server.programs / "kubectl"), "--kubeconfig", kubeconfig or str(server.kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_the_pinned_version(api_server: Server) -> None:
    answer = json.loads(kubectl(api_server, "version", "--output", "json").stdout)
    assert answer["serverVersion"]["gitVersion"] == answer["clientVersion"]["gitVersion"]


def test_rights_are_enforced(api_server: Server) -> None:
    nobody = api_server.plane.authority.issue("nobody", "nobody")
    kubeconfig = api_server.plane.kubeconfig_for("nobody", nobody)
    denied = kubectl(api_server, "get", "secrets", kubeconfig=str(kubeconfig))
    assert denied.returncode != 0
    assert 'User "nobody" cannot list resource "secrets"' in denied.stderr


def test_nobody_without_a_certificate_reads_its_database(api_server: Server) -> None:
    plane = api_server.plane
    url = f"https://127.0.0.1:{plane.etcd_client_port}/health"
    authority = plane.etcd_authority.pair.certificate
    assert health.answers(url, authority=authority, client=plane.etcd_client)
    assert not health.answers(url, authority=authority)
    assert not health.answers(url, authority=authority, client=plane.administrator)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_its_servers_end_with_it(number: signal.Signals) -> None:
    """At once when it is asked to end, and by the next one when it was killed."""
    command = [sys.executable, "-m", "devcluster.apiserver"]
    with subprocess.Popen(command, cwd=paths.REPOSITORY, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        kubeconfig = holder.stdout.readline().strip()
        state = Path(kubeconfig).parent
        pids = [json.loads(file.read_text())["pid"] for file in (state / "processes").glob("*.json")]
        assert len(pids) == 2
        servers = [identity for pid in pids if (identity := Identity.of(pid))]
        assert len(servers) == 2
        holder.send_signal(number)
        holder.wait(timeout=30)
    if number == signal.SIGKILL:
        apiserver.end_abandoned()
    wait_for(lambda: not any(server.is_running() for server in servers), timeout_seconds=15, what="its servers ended")
    wait_for(lambda: not state.exists(), timeout_seconds=5, what="its folder is gone")
