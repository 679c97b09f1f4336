"""helm: installed, tested, upgraded; the operator is what the chart says."""

import json

import pytest

from tests.support import operator
from tests.support.specs import Manifest
from tests.support.stack import OPERATOR_NAMESPACE, Stack
from tests.support.waiting import wait_for

pytestmark = pytest.mark.alone


def test_helm_test_passes(stack: Stack) -> None:
    operator.wait_ready(stack)
    assert "Succeeded" in stack.helm("test", "transfermodel", "-n", OPERATOR_NAMESPACE)


def test_an_upgrade_that_changes_nothing_restarts_nothing(stack: Stack) -> None:
    operator.wait_ready(stack)
    before = operator.pods(stack)
    stack.deploy()
    assert operator.pods(stack) == before


def test_the_operator_runs_restricted(stack: Stack) -> None:
    operator.wait_ready(stack)
    name = operator.pods(stack)[0].split("/")[1]
    pod = json.loads(stack.kubectl("get", "pod", name, "-n", OPERATOR_NAMESPACE, "-o", "json"))
    stripped: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe"},
        "spec": {k: v for k, v in pod["spec"].items() if k in ("containers", "securityContext", "volumes")},
    }
    for container in stripped["spec"]["containers"]:
        container.pop("volumeMounts", None)
    stripped["spec"].pop("volumes", None)
    with stack.workspace() as workspace:  # its namespace enforces Pod Security `restricted`
        stack.kubectl("apply", "--dry-run=server", "-n", workspace.namespace, "-f", "-", stdin=json.dumps(stripped))


def test_the_operator_comes_back_by_itself(stack: Stack) -> None:
    operator.wait_ready(stack)
    before = operator.pods(stack)
    operator.kill(stack)
    wait_for(lambda: operator.ready(stack) and operator.pods(stack) != before, timeout_seconds=60, what="a new pod")
