"""Where things live: caches that outlive the cluster, and the state that `down` removes."""

import os
from pathlib import Path


def _folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().absolute()


REPOSITORY = Path(__file__).resolve().parent.parent
GO_MODULES = Path(__file__).resolve().parent / "go"

# Caches: built programs, images, the base root file system. Safe to delete while the cluster is down.
CACHE = _folder("TRANSFERMODEL_CACHE", "~/.cache/transfermodel")
PROGRAMS = CACHE / "bin"
TOOLCHAINS = CACHE / "toolchains"
IMAGES = CACHE / "images"
# containerd's content and snapshots are a cache too: importing gigabytes again would cost every `up` minutes.
CONTAINERD_ROOT = CACHE / "containerd"

# State: one cluster's life.
STATE = _folder("TRANSFERMODEL_STATE", "/var/lib/transfermodel-devcluster")
CERTIFICATES = STATE / "certificates"
CONFIGURATION = STATE / "configuration"
RECORDS = STATE / "processes"
LOGS = STATE / "logs"
POD_LOGS = STATE / "pod-logs"
ETCD_DATA = STATE / "etcd"
KUBELET_ROOT = STATE / "kubelet"
CNI = STATE / "cni"
S3 = STATE / "s3"
KUBECONFIG = STATE / "kubeconfig"
PORTS = STATE / "ports.json"

# Sockets and mounts: gone after a reboot. A Unix socket's path holds at most 107 characters.
RUN = _folder("TRANSFERMODEL_RUN_FOLDER", "/run/transfermodel-devcluster")
CONTAINERD_STATE = RUN / "containerd"
CONTAINERD_SOCKET = RUN / "containerd.sock"
LOCK = Path("/run/lock/transfermodel-devcluster.lock")
