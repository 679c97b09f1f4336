"""A namespace of a real API server in which a TransferModel's objects are played, and the command as a process."""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from transfermodel_operator.api import RunBackbone, RunRequest, TransferModelSpec
from transfermodel_operator.api.run import RunData, RunTraining
from transfermodel_operator.api.spec import DataSource, Output, Weights
from transfermodel_operator.cluster.kinds import INFERENCE_SERVICES, REVISIONS
from transfermodel_operator.resources.training_job import training_job
from transfermodel_operator.settings import Settings

from devcluster.apiserver import Server
from tests.support.command import Ended, run_in
from tests.support.kubectl import kubectl
from tests.support.played import minimal_crd, now
from tests.support.waiting import wait_for

Manifest = dict[str, Any]

SPEC: Manifest = {
    "task": "ImageClassification",
    "backbone": {"name": "torchvision/resnet18", "weights": {"name": "IMAGENET1K_V1"}},
    "data": {"train": {"uri": "s3://datasets/train"}, "credentialsSecretName": "s3"},
    "output": {"uri": "s3://models", "credentialsSecretName": "s3"},
}


def run_command(*arguments: str, kubeconfig: Path | None, folder: Path | None = None, **variables: str) -> Ended:
    """Run `transfermodel` as a process, in an environment that knows this kubeconfig and nothing else."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TRANSFERMODEL_", "KUBE")) and name != "HOME"
    }
    environment |= {"HOME": "/nonexistent", "PYTHONPATH": os.getcwd(), **variables}
    if kubeconfig is not None:
        environment["KUBECONFIG"] = str(kubeconfig)
    return run_in(environment, *arguments, folder=folder)


@dataclass(frozen=True)
class Scene:
    """One namespace."""

    server: Server
    namespace: str

    def command(self, *arguments: str, kubeconfig: Path | None = None) -> Ended:
        """Run a command against this namespace."""
        return run_command(*arguments, "-n", self.namespace, kubeconfig=kubeconfig or self.server.kubeconfig)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in this namespace."""
        return kubectl(self.server, "-n", self.namespace, *arguments, stdin=stdin)

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object; return it as the server keeps it."""
        return dict(json.loads(self.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(manifest))))

    def model(self, name: str, **changes: Any) -> Manifest:
        """Create a TransferModel."""
        metadata = {"name": name, "namespace": self.namespace}
        kind = {"apiVersion": "transferlearning.dev/v1alpha1", "kind": "TransferModel"}
        return self.create({**kind, "metadata": metadata, "spec": SPEC | changes})

    def status(self, model: Manifest, **status: Any) -> None:
        """Write a TransferModel's status as the operator does."""
        body = {"status": {"observedGeneration": model["metadata"]["generation"], **status}}
        self.patch_status("transfermodel", model["metadata"]["name"], body)

    def patch_status(self, kind: str, name: str, body: Manifest) -> None:
        """Merge-patch the status of an object."""
        self.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", json.dumps(body))

    def secret(self, name: str, *keys: str) -> None:
        """Create a Secret with these keys."""
        literals = [f"--from-literal={key}=x" for key in keys]
        self.kubectl("create", "secret", "generic", name, *literals)

    def training_pod(self, model: Manifest) -> str:
        """Create the Job that the operator would create; return the pod that Kubernetes' Job controller makes."""
        spec = TransferModelSpec.model_validate(model["spec"])
        request = RunRequest(
            run="ab" * 32,
            namespace=self.namespace,
            name=model["metadata"]["name"],
            task="ImageClassification",
            backbone=RunBackbone(name="torchvision/resnet18", weights=Weights(name="IMAGENET1K_V1")),
            data=RunData(train=DataSource(uri="s3://datasets/train")),
            training=RunTraining(strategy="FeatureExtraction"),
            output_uri="s3://models",
        )
        settings = Settings(trainer_image="trainer:1", predictor_image="predictor:1")
        job = self.create(training_job(model, spec, request, Output(uri="s3://models"), settings, 1, "hash"))
        labels = f"job-name={job['metadata']['name']}"

        def made() -> str:
            return self.kubectl("get", "pods", "-l", labels, "-o", "jsonpath={.items[*].metadata.name}")

        return wait_for(made, timeout_seconds=30, what="the Job controller makes a pod")

    def container(self, pod: str, state: Manifest, phase: str = "Pending") -> None:
        """Write the state of a pod's trainer, as a kubelet does."""
        status = {
            "name": "trainer",
            "image": "trainer:1",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": state,
        }
        self.patch_status("pod", pod, {"status": {"phase": phase, "containerStatuses": [status]}})


def condition(kind: str, status: str, reason: str, message: str, generation: int = 1) -> Manifest:
    """Return a condition."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now(),
        "observedGeneration": generation,
    }


@pytest.fixture(scope="session")
def serving_kinds(api_server: Server) -> None:
    """Install the kinds of KServe and Knative."""
    crds = [minimal_crd(kind) for kind in (INFERENCE_SERVICES, REVISIONS)]
    kubectl(api_server, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": crds}))
    for crd in crds:
        kubectl(api_server, "wait", "--for=condition=Established", f"crd/{crd['metadata']['name']}", "--timeout=30s")


@pytest.fixture
def scene(api_server: Server, serving_kinds: None) -> Iterator[Scene]:
    """A namespace of this test's own."""
    namespace = f"scene-{uuid.uuid4().hex[:8]}"
    kubectl(api_server, "create", "namespace", namespace)
    yield Scene(api_server, namespace)
    kubectl(api_server, "delete", "namespace", namespace, "--wait=false")
