"""Only etcd and a Kubernetes API server, on free ports of loopback and in a temporary folder: for tests.

    with apiserver.running() as server:
        ... server.kubeconfig ...

or, for a command, `python -m devcluster.apiserver -- kubectl get namespaces`. It needs no root. RBAC is on; there are
no nodes, and without `controllers` nothing collects what an owner leaves behind or empties a deleted namespace.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from devcluster import golang
from devcluster.control_plane import ControlPlane
from devcluster.errors import DevclusterError, ProcessError
from devcluster.processes import Identity, Supervisor

_PREFIX = "transfermodel-apiserver-"
_ATTEMPTS = 3


@dataclass(frozen=True)
class Server:
    """A running API server.

    Attributes:
        kubeconfig: of an administrator.
        url: https://127.0.0.1:<port>.
        plane: issues certificates and kubeconfigs for other users (`plane.authority`, `plane.kubeconfig_for`).
        supervisor: of its processes, named `etcd` and `kube-apiserver`, for tests that end and start them.
        programs: folder that holds kubectl.
    """

    kubeconfig: Path
    url: str
    plane: ControlPlane
    supervisor: Supervisor
    programs: Path


@contextmanager
def running(*, controllers: bool = False) -> Iterator[Server]:
    """Start the servers, and end them and remove their folder on leaving.

    Args:
        controllers: run Kubernetes' own controllers too: garbage collection, namespaces, Jobs' status.

    Raises:
        DevclusterError: a program could not be built or did not start.
    """
    with ThreadPoolExecutor(2) as pool:
        etcd, kubernetes = pool.map(golang.build, ("etcd", "kubernetes"))
    end_abandoned()
    state = Path(tempfile.mkdtemp(prefix=_PREFIX))
    supervisor = Supervisor(state / "processes", state / "logs")
    try:
        owner = Identity.of(os.getpid())
        assert owner is not None  # noqa: S101 - this very process runs
        (state / "owner.json").write_text(json.dumps(asdict(owner)))
        plane = _start(state, supervisor, kubernetes, etcd / "server", controllers)
        yield Server(plane.admin_kubeconfig, plane.url, plane, supervisor, kubernetes)
    finally:
        _end(state)


def _start(state: Path, supervisor: Supervisor, programs: Path, etcd: Path, controllers: bool) -> ControlPlane:
    for attempt in range(_ATTEMPTS):
        api_server_port, client_port, peer_port, controller_port = _free_ports(4)
        plane = ControlPlane(
            state=state,
            programs=programs,
            etcd_program=etcd,
            address="127.0.0.1",
            api_server_port=api_server_port,
            etcd_client_port=client_port,
            etcd_peer_port=peer_port,
            controller_manager_port=controller_port,
            has_nodes=False,
            durable=False,
        )
        try:
            plane.prepare()
            supervisor.ensure(plane.etcd())
            supervisor.ensure(plane.api_server(), timeout_seconds=120)
            if controllers:
                supervisor.ensure(plane.controller_manager())
        except ProcessError as error:
            # Somebody may have taken a port after it was found to be free.
            if "address already in use" not in str(error) or attempt == _ATTEMPTS - 1:
                raise
            for name in supervisor.running():
                supervisor.stop(name)
            shutil.rmtree(state / "etcd", ignore_errors=True)
        else:
            return plane
    raise DevclusterError("no free ports on 127.0.0.1 for an API server")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _end(state: Path) -> None:
    supervisor = Supervisor(state / "processes", state / "logs")
    for name in ("kube-controller-manager", "kube-apiserver", "etcd"):
        supervisor.stop(name, grace_seconds=2)  # there is nothing to save
    shutil.rmtree(state, ignore_errors=True)


def end_abandoned() -> None:
    """End servers whose owner was killed before it could."""
    for state in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            owner = Identity(**json.loads((state / "owner.json").read_text()))
        except (OSError, ValueError, TypeError):
            continue  # just being made, or somebody else's
        if not owner.is_running():
            _end(state)


def main() -> int:
    """Run a command with KUBECONFIG set, or hold the servers until interrupted."""
    parser = argparse.ArgumentParser(prog="devcluster.apiserver", description=main.__doc__)
    parser.add_argument("--controllers", action="store_true", help="run Kubernetes' own controllers too")
    parser.add_argument("command", nargs="*", help="after --; its exit status is ours")
    options = parser.parse_args()
    # A plain kill would leave the servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with running(controllers=options.controllers) as server:
            if options.command:
                environment = os.environ | {
                    "KUBECONFIG": str(server.kubeconfig),
                    "PATH": f"{server.programs}:{os.environ['PATH']}",
                }
                return subprocess.run(options.command, env=environment, check=False).returncode
            print(server.kubeconfig, flush=True)
            signal.pause()
    except DevclusterError as error:
        print(f"devcluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
