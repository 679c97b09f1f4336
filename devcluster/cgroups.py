"""One control group tree that holds every process of the cluster, servers and pods alike.

Its membership is the kernel's own record of what belongs to the cluster: whatever a server starts stays in the tree, so
`down` finds container shims and pods' processes without looking at names.
"""

import os
from pathlib import Path

from devcluster.errors import PrerequisiteError
from devcluster.processes import Identity, end

NAME = "transfermodel-devcluster"
_MOUNT = Path("/sys/fs/cgroup")


def is_unified() -> bool:
    """Whether the machine has version 2 alone; with a hybrid, Kubernetes uses version 1."""
    return (_MOUNT / "cgroup.controllers").exists()


def prepare() -> None:
    """Make the tree; pods go below it, the servers into its group `system`.

    Raises:
        PrerequisiteError: there are no control groups.
    """
    if is_unified():
        _enable_controllers(_MOUNT)
        (_MOUNT / NAME).mkdir(exist_ok=True)
        _enable_controllers(_MOUNT / NAME)
        (_MOUNT / NAME / "system").mkdir(exist_ok=True)
        return
    hierarchies = _hierarchies()
    if "memory" not in {hierarchy.name for hierarchy in hierarchies}:
        raise PrerequisiteError(f"no memory control groups are mounted at {_MOUNT}: mount them or use another machine")
    for hierarchy in hierarchies:
        group = hierarchy / NAME
        group.mkdir(exist_ok=True)
        if hierarchy.name.startswith("cpuset"):
            _inherit_cpuset(group)
    (_tracking() / NAME / "system").mkdir(exist_ok=True)


def adopt(pid: int) -> None:
    """Put a server's process into the tree; its descendants follow it."""
    (_tracking() / NAME / "system" / "cgroup.procs").write_text(str(pid))


def processes() -> list[Identity]:
    """Every process of the tree."""
    found: list[Identity] = []
    for file in (_tracking() / NAME).rglob("cgroup.procs"):
        try:
            pids = file.read_text().split()
        except OSError:  # the group vanished
            continue
        found.extend(identity for pid in pids if (identity := Identity.of(int(pid))))
    return found


def end_pods(grace_seconds: float) -> None:
    """End what runs in pods, container by container's whole group, but not the servers."""
    system = _tracking() / NAME / "system"
    servers = set((system / "cgroup.procs").read_text().split()) if system.exists() else set()
    end([identity for identity in processes() if str(identity.pid) not in servers], grace_seconds)


def end_everything(grace_seconds: float) -> None:
    """End every process of the tree, also those that appear meanwhile."""
    for _attempt in range(10):
        if not (left := processes()):
            return
        end(left, grace_seconds)


def remove() -> None:
    """Remove the empty tree from every hierarchy."""
    # On a hybrid machine runc makes groups in the version 2 hierarchy too.
    for hierarchy in [_MOUNT] if is_unified() else _hierarchies("cgroup", "cgroup2"):
        root = hierarchy / NAME
        if root.is_dir():
            for folder, _folders, _files in os.walk(root, topdown=False):
                Path(folder).rmdir()


def _tracking() -> Path:
    """The hierarchy whose membership is read: every container joins it."""
    return _MOUNT if is_unified() else _MOUNT / "memory"


def _hierarchies(*kinds: str) -> list[Path]:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    folders = [Path(fields[1]) for fields in mounts if fields[2] in (kinds or ("cgroup",))]
    return [folder for folder in folders if folder.parent == _MOUNT]


def _enable_controllers(group: Path) -> None:
    for controller in (group / "cgroup.controllers").read_text().split():
        try:
            (group / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError:
            continue  # kept from children by whoever manages this machine; the kubelet names it if it needs it


def _inherit_cpuset(group: Path) -> None:
    # A version 1 cpuset starts empty and admits no process until it is filled.
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (group / name).read_text().strip():
            (group / name).write_text((group.parent / name).read_text())
