"""The add-ons do their work for something that is not ours, and come back when somebody removes or edits them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devcluster.images import catalog
from tests.support.machine import Machine
from tests.support.waiting import wait_for

NAMESPACE = "devcluster-addons"
NAME = "hello"
SECURITY = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def inference_service() -> dict[str, Any]:
    """An InferenceService of an image that every devcluster has: CoreDNS, whose health endpoint speaks HTTP."""
    container = {
        "name": "kserve-container",
        "image": catalog.COREDNS,
        "args": ["-conf", "/etc/coredns/Corefile", "-dns.port=1053"],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "securityContext": SECURITY,
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    volumes = [{"name": "config", "configMap": {"name": NAME}}]
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"predictor": {"minReplicas": 0, "containers": [container], "volumes": volumes}},
    }


@pytest.fixture
def served(machine: Machine, tmp_path: Path) -> Iterator[Machine]:
    """A namespace under Pod Security `restricted` with one InferenceService that is ready."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": NAME, "namespace": NAMESPACE}
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"Corefile": ".:1053 {\n health\n}\n"}},
        inference_service(),
    ]
    file = tmp_path / "objects.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    machine.kubectl("apply", "--filename", str(file))
    try:
        wait = ("wait", f"inferenceservice/{NAME}", "--namespace", NAMESPACE, "--for", "condition=Ready")
        machine.kubectl(*wait, "--timeout", "120s")
        yield machine
    finally:
        machine.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_a_request_by_host_name_alone_wakes_a_service_from_zero(served: Machine) -> None:
    ingress_port = served.info()["ingressPort"]
    wait_for(lambda: not pods(served), timeout_seconds=120, what="zero pods")
    # As a person would: no Host header, no entry in any DNS.
    url = f"http://{NAME}-predictor.{NAMESPACE}.localhost:{ingress_port}/health"
    answer = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--max-time", "60", url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (0, "OK"), answer.stderr
    assert pods(served)


def pods(machine: Machine) -> list[str]:
    """Names of the service's pods, those that are being ended not counted."""
    found = json.loads(machine.kubectl("get", "pods", "--namespace", NAMESPACE, "--output", "json"))["items"]
    return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


def test_what_is_removed_or_edited_comes_back(machine: Machine) -> None:
    removed = [
        ("knative-serving", "deployment/autoscaler"),
        ("kserve", "deployment/kserve-controller-manager"),
        ("kube-system", "service/kube-dns"),
        ("kserve", "validatingwebhookconfiguration/inferenceservice.serving.kserve.io"),
    ]
    for namespace, name in removed:
        machine.kubectl("delete", name, "--namespace", namespace, "--wait=true")
    patch = '{"data": {"stable-window": "600s"}}'
    machine.kubectl("patch", "configmap/config-autoscaler", "--namespace", "knative-serving", "--patch", patch)
    machine.up()
    for namespace, name in removed:
        assert machine.kubectl("get", name, "--namespace", namespace, "--output", "name")
    for namespace, name in removed[:2]:
        rollout = ("rollout", "status", name, "--namespace", namespace, "--timeout", "1s")
        assert "successfully rolled out" in machine.kubectl(*rollout)
    window = ("--output", "jsonpath={.data.stable-window}")
    assert machine.kubectl("get", "configmap/config-autoscaler", "--namespace", "knative-serving", *window) != "600s"


def test_what_others_set_beside_ours_stays(machine: Machine) -> None:
    annotation = ("annotate", "deployment/activator", "--namespace", "knative-serving", "--overwrite")
    machine.kubectl(*annotation, "example.com/note=mine")
    machine.up()
    note = ("--output", r"jsonpath={.metadata.annotations.example\.com/note}")
    assert machine.kubectl("get", "deployment/activator", "--namespace", "knative-serving", *note) == "mine"
    machine.kubectl(*annotation, "example.com/note-")
