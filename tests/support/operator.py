"""The installed operator: kill it, stop it, start it."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.support.stack import OPERATOR_NAMESPACE, Stack
from tests.support.waiting import wait_for

SELECTOR = "app.kubernetes.io/name=transfermodel"
DEPLOYMENT = "transfermodel-operator"


def pods(stack: Stack) -> list[str]:
    """Return uid/name of the operator's pods."""
    found = stack.core.list_namespaced_pod(OPERATOR_NAMESPACE, label_selector=SELECTOR).items
    return [f"{pod.metadata.uid}/{pod.metadata.name}" for pod in found if pod.metadata.name.startswith(DEPLOYMENT)]


def ready(stack: Stack) -> bool:
    """Tell whether exactly one pod of the operator is there and ready."""
    found = stack.core.list_namespaced_pod(OPERATOR_NAMESPACE, label_selector=SELECTOR).items
    found = [pod for pod in found if pod.metadata.name.startswith(DEPLOYMENT)]
    return len(found) == 1 and any(c.type == "Ready" and c.status == "True" for c in found[0].status.conditions or [])


def wait_ready(stack: Stack, timeout_seconds: float = 60) -> None:
    """Wait until it is."""
    wait_for(lambda: ready(stack), timeout_seconds=timeout_seconds, what="the operator's pod is ready")


def processes_of(pod_uid: str) -> list[int]:
    """Return the operator's process ids on this host, found by the pod's control group."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if (
                pod_uid in (entry / "cgroup").read_text()
                and b"transfermodel_operator" in (entry / "cmdline").read_bytes()
            ):
                found.append(int(entry.name))
    return found


def kill(stack: Stack) -> None:
    """Kill the operator with SIGKILL, and let a fresh pod take its place (no back-off of restarts)."""
    (pod,) = pods(stack)
    uid, name = pod.split("/")
    victims = processes_of(uid)
    assert victims, f"no process of pod {name} on this host"
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    stack.core.delete_namespaced_pod(name, OPERATOR_NAMESPACE, grace_period_seconds=0)


@contextlib.contextmanager
def stopped(stack: Stack) -> Iterator[None]:
    """Scale the operator to zero for the length of the block."""
    stack.kubectl("scale", "deployment", DEPLOYMENT, "-n", OPERATOR_NAMESPACE, "--replicas=0")
    wait_for(lambda: not pods(stack), timeout_seconds=60, what="the operator is gone")
    try:
        yield
    finally:
        stack.kubectl("scale", "deployment", DEPLOYMENT, "-n", OPERATOR_NAMESPACE, "--replicas=1")
        wait_ready(stack)
