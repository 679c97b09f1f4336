"""What the machine must have that no script can arrange: looked at before anything is changed, one sentence each."""

import ipaddress
import os
import platform
import shutil
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from devcluster import golang, packages, paths, versions
from devcluster.errors import PrerequisiteError

_GIB = 1024**3
MEMORY_BYTES = 7 * _GIB  # a machine sold as 8 GiB shows a little less
# Go's module and build caches, programs, the base image and the add-ons' images: measured 13 GiB.
DISK_BYTES_COLD = 16 * _GIB
DISK_BYTES_WARM = 3 * _GIB
# The trainer's image holds torch with its CUDA libraries: once as buildah keeps it and twice in containerd, packed and
# unpacked. Later builds add what changed.
DISK_BYTES_FIRST_IMAGES = 21 * _GIB

_LISTENING = "0A"
# A killed server's last threads hold its sockets for a moment after the process has ceased to show them.
_CLOSING_SECONDS = 5.0
_POLL_SECONDS = 0.1


def ports() -> dict[int, str]:
    """Every port that the cluster listens on -> the address."""
    node, loopback = versions.NODE_ADDRESS, "127.0.0.1"
    return {
        versions.API_SERVER_PORT: node,
        versions.KUBELET_PORT: node,
        versions.S3_PORT: loopback,
        versions.INGRESS_PORT: loopback,
        versions.ETCD_CLIENT_PORT: loopback,
        versions.ETCD_PEER_PORT: loopback,
        versions.KUBELET_HEALTH_PORT: loopback,
        versions.KUBE_PROXY_METRICS_PORT: loopback,
        versions.KUBE_PROXY_HEALTH_PORT: loopback,
        versions.CONTROLLER_MANAGER_PORT: loopback,
        versions.SCHEDULER_PORT: loopback,
    }


def check_system() -> None:
    """Look at what every other check needs.

    Raises:
        PrerequisiteError: this is not Linux, not a known processor, or not root.
    """
    _raise(_system() + _user())


def check(ours: frozenset[int]) -> None:
    """Look at everything else, and name all that is missing at once.

    Args:
        ours: ids of processes of this very cluster, whose ports are not taken by somebody else.

    Raises:
        PrerequisiteError: with one sentence per thing that is missing.
    """
    looks: list[Callable[[], list[str]]] = [_memory, _disk, _control_groups, _programs, _network]
    _raise([problem for look in looks for problem in look()] + _ports(ours))


def _raise(problems: list[str]) -> None:
    if problems:
        raise PrerequisiteError("\n".join(problems))


def _system() -> list[str]:
    if sys.platform != "linux":
        return ["the cluster runs on Linux only: use a Linux machine, or CLUSTER=existing with a cluster of your own"]
    if platform.machine() not in ("x86_64", "aarch64"):
        return [f"the cluster runs on x86_64 and aarch64 processors, and this is {platform.machine()}"]
    return []


def _user() -> list[str]:
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        return ["the cluster needs root (it makes a bridge, mounts and control groups): run it as root, as with sudo"]
    return []


def _memory() -> list[str]:
    total = memory_bytes(Path("/proc/meminfo").read_text())
    if total < MEMORY_BYTES:
        return [f"this machine has {total / _GIB:.1f} GiB of memory and the cluster needs 8: use a larger machine"]
    return []


def memory_bytes(meminfo: str) -> int:
    """The machine's memory, from the text of /proc/meminfo."""
    (line,) = [line for line in meminfo.splitlines() if line.startswith("MemTotal:")]
    return int(line.split()[1]) * 1024


def check_disk_for_images(more: int = 0) -> None:
    """Look at the room for the project's images; more: bytes for those that are not always built.

    Raises:
        PrerequisiteError: there is too little.
    """
    built = (paths.IMAGES / "storage").exists()
    _raise(_room(paths.CACHE, (DISK_BYTES_WARM if built else DISK_BYTES_FIRST_IMAGES) + more))


def _disk() -> list[str]:
    built = all(golang.folder(product).exists() for product in golang.PRODUCTS)
    return _room(paths.CACHE, DISK_BYTES_WARM if built else DISK_BYTES_COLD) + _room(paths.STATE, _GIB)


def _room(folder: Path, needed: int) -> list[str]:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free >= needed:
        return []
    return [
        f"{folder} is on a disk with {free / _GIB:.1f} GiB free and {needed / _GIB:.0f} are needed: make room, "
        "or choose another folder with TRANSFERMODEL_CACHE and TRANSFERMODEL_STATE"
    ]


def _control_groups() -> list[str]:
    if not Path("/sys/fs/cgroup").is_dir() or not any(Path("/sys/fs/cgroup").iterdir()):
        return ["no control groups are mounted at /sys/fs/cgroup: mount them (systemd does) or use another machine"]
    if not os.access("/sys/fs/cgroup", os.W_OK):
        return ["/sys/fs/cgroup is read-only, as in an unprivileged container: run on the machine itself"]
    return []


def _programs() -> list[str]:
    wanted = packages.missing()
    if wanted and shutil.which("apt-get") is None:
        return [
            f"there is no apt-get to install {', '.join(wanted)} with: install what brings these and run this again"
        ]
    return []


def _network() -> list[str]:
    ours = ipaddress.ip_network(versions.NETWORK)
    problems = []
    for interface, network in routes(Path("/proc/net/route").read_text()):
        # Our own blackhole route is shown with the interface "*".
        if network.prefixlen > 0 and network.overlaps(ours) and interface not in (versions.BRIDGE, "*"):
            problems.append(
                f"this machine routes {network} through {interface}, and the cluster uses {versions.NETWORK}: "
                "remove that route or use another machine"
            )
    return problems


def routes(table: str) -> list[tuple[str, ipaddress.IPv4Network]]:
    """Interface and destination of each IPv4 route, from the text of /proc/net/route."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, mask = (ipaddress.IPv4Address(struct.pack("<I", int(fields[index], 16))) for index in (1, 7))
        found.append((fields[0], ipaddress.IPv4Network(f"{address}/{mask}")))
    return found


def _ports(ours: frozenset[int]) -> list[str]:
    deadline = time.monotonic() + _CLOSING_SECONDS
    while None in (taken := _taken(ours)).values() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    problems = []
    for port, owner in sorted(taken.items()):
        who = f"{_program(owner)} (process {owner})" if owner else "another program"
        problems.append(f"port {port} is taken by {who}, and the cluster needs it: {_way_out(port)}")
    return problems


def _taken(ours: frozenset[int]) -> dict[int, int | None]:
    """Ports of the cluster that others listen on -> the process; None when no process shows the socket."""
    wanted = ports()
    found = {}
    for address, port, inode in listening():
        if port in wanted and address in (wanted[port], "0.0.0.0", "::"):
            owner = _owner(inode)
            if owner not in ours:
                found[port] = owner
    return found


def _way_out(port: int) -> str:
    for variable, chosen in versions.CHOSEN_PORTS.items():
        if port == chosen:
            return f"end that program, or choose another port with {variable}"
    return "end that program (a Kubernetes node of your own, perhaps?)"


def listening() -> list[tuple[str, int, str]]:
    """Address, port and socket inode of everything that accepts TCP connections."""
    found = []
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            found += listening_in(table.read_text())
    return found


def listening_in(table: str) -> list[tuple[str, int, str]]:
    """The same from the text of /proc/net/tcp or tcp6."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] != _LISTENING:
            continue
        address, _colon, port = fields[1].partition(":")
        words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
        parsed = ipaddress.ip_address(struct.pack(f"<{len(words)}I", *words))
        mapped = getattr(parsed, "ipv4_mapped", None)
        found.append((str(mapped or parsed), int(port, 16), fields[9]))
    return found


def _owner(inode: str) -> int | None:
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(descriptor) == f"socket:[{inode}]":
                return int(descriptor.parts[2])
        except OSError:
            continue
    return None


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "a program"
