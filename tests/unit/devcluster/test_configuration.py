"""What the servers are told."""

import tomllib
from pathlib import Path

import pytest

from devcluster import containerd, network, node, paths, versions
from devcluster.certificates import Pair
from devcluster.control_plane import ControlPlane


@pytest.fixture
def plane(tmp_path: Path) -> ControlPlane:
    """A control plane whose programs need not exist."""
    return ControlPlane(
        state=tmp_path,
        programs=Path("/programs"),
        etcd_program=Path("/programs/etcd"),
        address="127.0.0.1",
        api_server_port=1,
        etcd_client_port=2,
        etcd_peer_port=3,
    )


def test_nothing_listens_beyond_loopback_and_the_bridge(plane: ControlPlane) -> None:
    commands = [plane.etcd().command, plane.api_server().command, plane.controller_manager().command]
    commands.append(plane.scheduler().command)
    for command in commands:
        addresses = [flag for flag in command if flag.startswith(("--bind-address", "--listen-"))]
        assert addresses
        assert all("127.0.0.1" in flag for flag in addresses), command
    pair = Pair(Path("a"), Path("b"))
    kubelet = node.kubelet_configuration(pair, "ca")
    assert (kubelet["address"], kubelet["healthzBindAddress"]) == (versions.NODE_ADDRESS, "127.0.0.1")
    proxy = node.kube_proxy_configuration("kubeconfig")
    assert proxy["metricsBindAddress"].startswith("127.0.0.1:")
    assert proxy["healthzBindAddress"].startswith("127.0.0.1:")
    assert proxy["nodePortAddresses"] == [f"{versions.NODE_ADDRESS}/32"]


def test_the_api_asks_for_rights_and_the_database_for_a_certificate(plane: ControlPlane) -> None:
    assert "--authorization-mode=Node,RBAC" in plane.api_server().command
    assert "--client-cert-auth=true" in plane.etcd().command


def test_the_database_of_the_real_cluster_waits_for_the_disk(plane: ControlPlane) -> None:
    assert not any("fsync" in flag for flag in plane.etcd().command)


def test_kubelet_collects_no_image_and_a_full_disk_evicts_nobody() -> None:
    configuration = node.kubelet_configuration(Pair(Path("a"), Path("b")), "ca")
    assert configuration["imageGCHighThresholdPercent"] == 100
    disk = {name: limit for name, limit in configuration["evictionHard"].items() if "fs." in name}
    assert set(disk.values()) == {"0%"}


def test_containerd_is_told_of_our_folders_only() -> None:
    configuration = tomllib.loads(containerd.configuration())
    assert configuration["state"] == str(paths.CONTAINERD_STATE)
    assert configuration["grpc"]["address"] == str(paths.CONTAINERD_SOCKET)
    cri = configuration["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["netns_mounts_under_state_dir"] is True
    assert cri["restrict_oom_score_adj"] is True
    assert cri["containerd"]["runtimes"]["runc"]["options"]["Root"].startswith(str(paths.RUN))


def test_sockets_have_short_names() -> None:
    assert len(str(paths.CONTAINERD_SOCKET)) + len(".ttrpc") < 108


def test_the_firewall_rejects_both_ways() -> None:
    rules = network.firewall()
    assert f'iifname "{versions.BRIDGE}" oifname != "{versions.BRIDGE}" counter reject' in rules
    assert f'iifname != "{versions.BRIDGE}" oifname "{versions.BRIDGE}" counter drop' in rules


def test_shims_sockets_are_found_by_containerds_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "CONTAINERD_SOCKET", Path("/run/containerd.sock"))
    # printf %s /run/containerd.sock/k8s.io/abc | sha256sum
    digest = "75a5fecc69f97299f5a1f89801ab34dd7d7417887519838bdaf5d457c7578503"
    assert containerd.shim_socket("abc") == Path("/run/containerd/s") / digest
