"""What of the devcluster is on this machine, found by other means than the devcluster's own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from devcluster import paths, versions
from tests.support.waiting import wait_for

_COMMAND = [sys.executable, "-m", "devcluster"]
_CGROUP = "transfermodel-devcluster"


class Machine:
    """Runs the devcluster's commands and looks at processes, mounts and network."""

    def run(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One of the devcluster's commands."""
        return subprocess.run(
            [*_COMMAND, command],
            cwd=paths.REPOSITORY,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def up(self) -> None:
        """Bring the cluster up."""
        done = self.run("up")
        assert done.returncode == 0, done.stderr

    def down(self) -> None:
        """Take the cluster down."""
        done = self.run("down")
        assert done.returncode == 0, done.stderr

    def info(self) -> dict[str, Any]:
        """What `info` prints."""
        done = self.run("info")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as the administrator."""
        info = self.info()
        done = subprocess.run(
            [info["kubectl"], "--kubeconfig", info["kubeconfig"], *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def servers(self) -> dict[str, int]:
        """Name -> process id of the recorded servers."""
        return {file.stem: int(json.loads(file.read_text())["pid"]) for file in paths.RECORDS.glob("*.json")}

    def processes(self) -> set[int]:
        """Everything that any control group of the cluster holds."""
        found = set()
        for file in Path("/proc").glob("[0-9]*/cgroup"):
            try:
                if f"/{_CGROUP}" in file.read_text():
                    found.add(int(file.parent.name))
            except (OSError, ProcessLookupError):
                continue
        return found

    def shims(self) -> list[int]:
        """The processes that stand between containerd and containers."""
        return [pid for pid in sorted(self.processes()) if b"containerd-shim" in _command_line(pid)]

    def kill(self, *pids: int) -> None:
        """End processes the hard way, and wait until they are gone."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # it ended with another
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(_is_alive(pid) for pid in pids), timeout_seconds=10, what=f"{pids} killed")

    def mounts(self) -> list[str]:
        """Mount points below the cluster's folders, and named network namespaces."""
        roots = (str(paths.STATE), str(paths.RUN), str(paths.CACHE), "/run/netns/cni-", "/var/run/netns/cni-")
        points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        return [point for point in points if point.startswith(roots)]

    def network(self) -> list[str]:
        """Lines of routes, links, addresses and firewall rules that are the cluster's."""
        marks = ("198.18.", "198.19.", versions.BRIDGE, "kube-proxy", "transfermodel", "KUBE-", "CNI-")
        lines = []
        for command in ("ip route show table all", "ip link", "ip address", "nft list ruleset"):
            output = subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout
            lines += [line.strip() for line in output.splitlines() if any(mark in line for mark in marks)]
        return lines

    def crash(self) -> None:
        """Leave what a power cut leaves: the disk. No process, mount, socket, bridge, route or rule survives it."""
        while processes := self.processes():
            self.kill(*processes)
        for point in reversed(self.mounts()):
            subprocess.run(["umount", "--lazy", point], check=False)
        subprocess.run(["rm", "-rf", str(paths.RUN)], check=True)
        subprocess.run(["ip", "link", "delete", versions.BRIDGE], check=True)
        subprocess.run(["ip", "route", "delete", "blackhole", versions.NETWORK], check=True)
        for table in ("ip kube-proxy", "ip6 kube-proxy", "inet transfermodel_devcluster"):
            subprocess.run(["nft", "delete", "table", *table.split()], check=True)
        for folder in sorted(Path("/sys/fs/cgroup").rglob(f"{_CGROUP}/**/"), reverse=True):
            folder.rmdir()


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
