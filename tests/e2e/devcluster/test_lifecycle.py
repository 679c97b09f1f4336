"""Up, up again, heal, down, up."""

import json
import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from devcluster import paths
from tests.support.machine import Machine
from tests.support.waiting import wait_for

SERVERS = {
    "containerd",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubelet",
    "versitygw",
}
NAMESPACE = "devcluster-test"
SYSTEM = ("kube-system", "knative-serving", "kourier-system", "kserve")
"""What the cluster itself runs; what users run in it may come and go meanwhile."""


def remember(machine: Machine) -> None:
    """Write something that must outlive a repair, to the API and to S3's disk."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    path = paths.STATE / "remember.json"
    path.write_text(json.dumps(manifest))
    machine.kubectl("apply", "-f", str(path))


def assert_whole(machine: Machine) -> None:
    """Every server runs, every pod is ready, the ingress and S3 answer."""
    servers = machine.servers()
    assert set(servers) == SERVERS
    assert set(servers.values()) <= machine.processes()
    deployments = [
        deployment
        for namespace in SYSTEM
        for deployment in json.loads(machine.kubectl("get", "deployments", "-n", namespace, "-o", "json"))["items"]
    ]
    assert len(deployments) >= 7
    wanting = [
        item["metadata"]["name"]
        for item in deployments
        if item["status"].get("readyReplicas", 0) < item["spec"]["replicas"]
    ]
    assert wanting == []
    info = machine.info()
    host, port = info["ingress"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5):
        pass
    with urllib.request.urlopen(f"{info['s3']['endpoint']}/healthz", timeout=5) as answer:
        assert answer.status == 200


def system_pods(machine: Machine) -> list[str]:
    """Names of the cluster's own pods."""
    return [machine.kubectl("get", "pods", "-n", namespace, "--output", "name") for namespace in SYSTEM]


def test_up_again_changes_nothing(machine: Machine) -> None:
    before = machine.servers()
    pods = system_pods(machine)
    machine.up()
    assert machine.servers() == before
    assert system_pods(machine) == pods
    assert_whole(machine)


@pytest.mark.parametrize(
    "killed",
    [
        {"etcd", "kubelet", "containerd", "kube-scheduler"},
        {"kube-apiserver", "kube-controller-manager", "kube-proxy", "versitygw"},
        SERVERS,
    ],
    ids=["one half", "the other half", "all"],
)
def test_killed_servers_are_started_again(machine: Machine, killed: set[str]) -> None:
    remember(machine)
    before = machine.servers()
    machine.kill(*(before[name] for name in killed))
    machine.up()
    after = machine.servers()
    assert {name for name in SERVERS if before[name] != after[name]} == killed
    machine.kubectl("get", "namespace", NAMESPACE)
    assert_whole(machine)


def test_killed_pods_are_started_again(machine: Machine) -> None:
    machine.kill(*machine.shims()[::2])
    machine.up()
    wait_for(lambda: whole(machine), timeout_seconds=60, what="every Deployment is ready again")
    assert_whole(machine)


def whole(machine: Machine) -> bool:
    """Whether `assert_whole` would be content."""
    try:
        assert_whole(machine)
    except (AssertionError, OSError):
        return False
    return True


def test_a_stopped_server_is_replaced(machine: Machine) -> None:
    """A process that is there and answers nothing is as bad as none."""
    before = machine.servers()["kube-scheduler"]
    subprocess.run(["kill", "-STOP", str(before)], check=True)
    machine.up()
    assert machine.servers()["kube-scheduler"] != before
    assert before not in machine.processes()


def test_what_the_network_lacks_comes_back(machine: Machine) -> None:
    expected = {line for line in machine.network() if "blackhole" in line or "reject" in line.split()}
    assert expected
    subprocess.run(["ip", "route", "delete", "blackhole", "198.18.0.0/15"], check=True)
    subprocess.run(["nft", "delete", "table", "inet", "transfermodel_devcluster"], check=True)
    machine.up()
    assert expected <= set(machine.network())


def test_a_power_cut_is_survived(machine: Machine) -> None:
    remember(machine)
    machine.crash()
    assert machine.run("info").returncode != 0
    machine.up()
    machine.kubectl("get", "namespace", NAMESPACE)
    wait_for(lambda: whole(machine), timeout_seconds=60, what="every Deployment is ready again")


def test_a_failed_start_changes_nothing(machine: Machine) -> None:
    before = machine.servers()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = machine.run("up", TRANSFERMODEL_INGRESS_PORT=str(port))
    assert done.returncode == 1
    assert f"port {port} is taken by" in done.stderr
    assert "Traceback" not in done.stderr
    assert machine.servers() == before


def test_down_leaves_only_caches(machine: Machine, tmp_path: Path) -> None:
    # Somebody else's program of the same name must not be ended.
    foreign = tmp_path / "kubelet"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", foreign)
    with subprocess.Popen([str(foreign), "600"]) as process:
        try:
            machine.down()
            assert process.poll() is None
        finally:
            process.kill()
    assert machine.processes() == set()
    assert machine.mounts() == []
    assert machine.network() == []
    assert list(Path("/sys/fs/cgroup").rglob("transfermodel-devcluster")) == []
    left = [folder for folder in (paths.STATE, paths.RUN, paths.LOCK, Path("/var/lib/cni")) if folder.exists()]
    assert left == []
    assert [link for link in Path("/var/log/containers").glob("*") if str(paths.STATE) in str(link.resolve())] == []
    assert (paths.PROGRAMS).is_dir()
    assert machine.run("info").returncode == 1


def test_down_again_is_content(machine: Machine) -> None:
    machine.down()
    machine.down()


def test_up_after_down_is_a_new_cluster(machine: Machine) -> None:
    machine.up()
    assert_whole(machine)
    assert NAMESPACE not in machine.kubectl("get", "namespaces", "--output", "name")
