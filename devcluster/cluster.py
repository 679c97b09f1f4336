"""Bring the cluster up, repair it, and take it down: the order of things."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from devcluster import (
    cgroups,
    containerd,
    golang,
    network,
    node,
    packages,
    paths,
    prerequisites,
    s3,
    versions,
)
from devcluster.control_plane import ControlPlane
from devcluster.errors import DevclusterError
from devcluster.files import write_json
from devcluster.processes import Supervisor
from devcluster.report import note, step

_NODE_READY_SECONDS = 120.0
# Longer than it takes a pod that handles the signal, shorter than one that does not deserves.
_POD_GRACE_SECONDS = 5.0


def supervisor() -> Supervisor:
    """Of the cluster's host processes."""
    return Supervisor(paths.RECORDS, paths.LOGS, cgroups.adopt)


def control_plane() -> ControlPlane:
    """The cluster's; its programs may still have to be built."""
    return ControlPlane(
        state=paths.STATE,
        programs=golang.folder("kubernetes"),
        etcd_program=golang.folder("etcd") / "server",
        address=versions.NODE_ADDRESS,
        api_server_port=versions.API_SERVER_PORT,
        etcd_client_port=versions.ETCD_CLIENT_PORT,
        etcd_peer_port=versions.ETCD_PEER_PORT,
    )


def up() -> None:
    """Make the cluster as it should be, from nothing or from whatever is left of it.

    Raises:
        DevclusterError: with the reason and what to do.
    """
    prerequisites.check_system()
    with _alone():
        prerequisites.check(frozenset(supervisor().running().values()) | _cluster_processes())
        try:
            _up()
        except BaseException:
            golang.cancel()
            raise


def _up() -> None:
    # Imported late: the add-ons need packages that a bare API server does not.
    from devcluster.addons import install as install_addons

    began = time.monotonic()
    golang.start(golang.PRODUCTS)
    packages.install()
    for folder in (paths.STATE, paths.RUN, paths.CACHE):
        folder.mkdir(parents=True, exist_ok=True)
    paths.STATE.chmod(0o711)  # pods' volumes are below it, and everything secret is for root alone
    write_json(paths.PORTS, versions.CHOSEN_PORTS)
    cgroups.prepare()
    with ThreadPoolExecutor(1, thread_name_prefix="prepare") as pool:
        images = pool.submit(_start_containerd)
        _start_control_plane()
        images.result()
    _start_node()
    install_addons()
    golang.build("helm")
    note(f"the cluster is ready after {time.monotonic() - began:.0f} s: export KUBECONFIG={paths.KUBECONFIG}")


def _start_containerd() -> None:
    from devcluster.images import addon_images

    with step("containerd"):
        supervisor().ensure(containerd.process())
    addon_images.prepare("pause")


def _start_control_plane() -> None:
    golang.build("etcd")
    golang.build("kubernetes")
    with step("network"):
        network.up()
    plane = control_plane()
    plane.prepare()
    servers = supervisor()
    with step("etcd and kube-apiserver"):
        servers.ensure(plane.etcd())
        servers.ensure(plane.api_server(), timeout_seconds=120)
    with step("kube-controller-manager and kube-scheduler"):
        servers.ensure(plane.controller_manager())
        servers.ensure(plane.scheduler())


def _start_node() -> None:
    plane = control_plane()
    servers = supervisor()
    with step("kubelet, S3 server and kube-proxy"):
        servers.ensure(node.kubelet(plane))
        servers.ensure(s3.process())
        _wait_for_node()
        servers.ensure(node.kube_proxy(plane))  # which looks for the node every 30 s only


def _wait_for_node() -> None:
    command = [str(golang.folder("kubernetes") / "kubectl"), "--kubeconfig", str(paths.KUBECONFIG), "get", "node"]
    command += [versions.NODE_NAME, "--output", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']
    deadline = time.monotonic() + _NODE_READY_SECONDS
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout == "True":
            return
        if time.monotonic() > deadline:
            raise DevclusterError(
                f"the node is not Ready after {_NODE_READY_SECONDS:.0f} s ({done.stderr.strip() or done.stdout}); "
                f"look at {paths.LOGS / 'kubelet.log'}"
            )
        time.sleep(0.3)


def down() -> None:
    """End every process of the cluster and remove all that it left on the machine; caches stay.

    Raises:
        DevclusterError: something could not be removed; with its name.
    """
    prerequisites.check_system()
    with _alone():
        servers = supervisor()
        with step("end pods and servers"):
            servers.stop("kubelet")
            servers.stop("kube-proxy")
            cgroups.end_pods(_POD_GRACE_SECONDS)
            if servers.is_running("containerd"):
                containerd.remove_containers()
            for name in (
                "containerd",
                "kube-scheduler",
                "kube-controller-manager",
                "kube-apiserver",
                "etcd",
                "versitygw",
            ):
                servers.stop(name)
            for name in servers.running():
                servers.stop(name)
            cgroups.end_everything(_POD_GRACE_SECONDS)
        with step("remove mounts, network and state"):
            _unmount()
            if shutil.which("nft") and shutil.which("ip"):
                network.down()
            cgroups.remove()
            _remove_files()
        if left := left_over():
            raise DevclusterError("still there after `down`:\n" + "\n".join(left))
        paths.LOCK.unlink(missing_ok=True)


def left_over() -> list[str]:
    """What of the cluster is on this machine besides caches, in words; empty after `down`."""
    found = [f"process {identity.pid}" for identity in cgroups.processes()]
    found += [f"mount {mount}" for mount in _mounts()]
    if shutil.which("nft") and shutil.which("ip"):
        found += network.left_over()
    found += [f"folder {folder}" for folder in (paths.STATE, paths.RUN) if folder.exists()]
    return found


def _cluster_processes() -> frozenset[int]:
    return frozenset(identity.pid for identity in cgroups.processes())


def _mounts() -> list[str]:
    """Mount points of ours, the innermost first."""
    roots = tuple(f"{root}/" for root in (paths.STATE, paths.RUN, paths.CACHE))
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    return [point for point in reversed(points) if point.startswith(roots)]


def _unmount() -> None:
    for point in _mounts():
        subprocess.run(["umount", point], capture_output=True, check=False)
    for point in _mounts():  # busy ones
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def _remove_files() -> None:
    for folder in (paths.STATE, paths.RUN):
        if folder.exists():
            shutil.rmtree(folder)
    # The kubelet makes these links for log collectors, in a folder that is not configurable.
    links = Path("/var/log/containers")
    for link in links.glob("*.log"):
        if link.is_symlink() and os.readlink(link).startswith(f"{paths.POD_LOGS}/"):
            link.unlink()
    for folder in (links, Path("/var/lib/kubelet/device-plugins"), Path("/var/lib/kubelet")):
        for remains in (folder / "kubelet_internal_checkpoint", folder / "kubelet.sock", folder / "DEPRECATION"):
            remains.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _alone() -> Iterator[None]:
    """Let one command at a time change the cluster."""
    paths.LOCK.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with paths.LOCK.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                note("waiting for another cluster-up or cluster-down to end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            # `down` removes the file: whoever waited holds a lock that no one else will see.
            if paths.LOCK.exists() and os.fstat(lock.fileno()).st_ino == paths.LOCK.stat().st_ino:
                yield
                return
