"""containerd with its own root, state and socket, beside any other that the machine runs."""

import hashlib
import shutil
from pathlib import Path

from devcluster import files, health, network, paths
from devcluster.commands import run, succeeds
from devcluster.images import catalog
from devcluster.processes import Process

NAMESPACE = "k8s.io"  # the one that the kubelet's pods are in
_SHIM_SOCKETS = Path("/run/containerd/s")


def configuration() -> str:
    """config.toml, for containerd 1.6 and later 1.x."""
    programs, networks = network.cni_folders()
    return f"""\
version = 2
root = "{paths.CONTAINERD_ROOT}"
state = "{paths.CONTAINERD_STATE}"
oom_score = 0
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{paths.CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{catalog.PAUSE}"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  # Without CAP_SYS_RESOURCE nobody may make a process less likely to be killed than its parent.
  restrict_oom_score_adj = true
  # Mounts below our own folder are recognised as ours when they are removed.
  netns_mounts_under_state_dir = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{programs}"
    conf_dir = "{networks}"
    max_conf_num = 1

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{paths.RUN / "runc"}"
"""


def process() -> Process:
    """The server; writes its configuration."""
    file = files.write(paths.CONFIGURATION / "containerd.toml", configuration())
    paths.CONTAINERD_STATE.mkdir(parents=True, exist_ok=True)
    program = shutil.which("containerd") or "/usr/bin/containerd"
    return Process(
        name="containerd",
        command=(program, "--config", str(file)),
        healthy=lambda: health.listens_on_socket(paths.CONTAINERD_SOCKET) and succeeds(_ctr("version")),
        files=(file,),
    )


def remove_containers() -> None:
    """Forget all containers of ended pods, and their snapshots; images stay. The server must run."""
    for task in run(*_ctr("tasks", "list", "--quiet")).split():
        succeeds(_ctr("tasks", "delete", "--force", task))
    containers = run(*_ctr("containers", "list", "--quiet")).split()
    if containers:
        succeeds(_ctr("containers", "delete", *containers))
    for container in containers:
        shim_socket(container).unlink(missing_ok=True)
    for folder in (_SHIM_SOCKETS, _SHIM_SOCKETS.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    for line in run(*_ctr("snapshots", "list")).splitlines()[1:]:
        name, *_parent, kind = line.split()
        if kind == "Active":  # of a container that was being made
            succeeds(_ctr("snapshots", "remove", name))


def shim_socket(container: str) -> Path:
    """Where a container's shim listens: a folder that all containerds share, a name that tells whose it is.

    The name is made by `SocketAddress` in containerd's runtime/v2/shim/util_unix.go.
    """
    path = paths.CONTAINERD_SOCKET / NAMESPACE / container
    return _SHIM_SOCKETS / hashlib.sha256(str(path).encode()).hexdigest()


def _ctr(*arguments: str) -> list[str]:
    return ["ctr", "--address", str(paths.CONTAINERD_SOCKET), "--namespace", NAMESPACE, *arguments]
