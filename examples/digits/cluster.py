"""The cluster that the demo runs on, by its API server."""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.config
import kubernetes.dynamic
import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from examples.common.errors import DemoError
from examples.common.showing import REPOSITORY

Manifest = dict[str, Any]

API_VERSION = "transferlearning.dev/v1alpha1"
FIELD_MANAGER = "digits-demo"


@dataclass(frozen=True)
class Cluster:
    """What `make cluster-info` prints, made usable."""

    kubeconfig: str
    ingress: str
    """Address of the Knative ingress, such as http://127.0.0.1:8088."""
    s3: dict[str, str]
    kubectl: str

    @classmethod
    def discover(cls) -> "Cluster":
        """Ask for the devcluster or, with CLUSTER=existing, for what the environment describes.

        Raises:
            DemoError: there is none.
        """
        command = [sys.executable, "-m", "devcluster", "info"]
        answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
        if answer.returncode != 0:
            raise DemoError(f"There is no cluster to use. {answer.stderr.strip()}")
        info = json.loads(answer.stdout)
        return cls(info["kubeconfig"], info["ingress"], info["s3"], info.get("kubectl", "kubectl"))

    @cached_property
    def api(self) -> kubernetes.client.ApiClient:
        """A client with the kubeconfig's rights."""
        return kubernetes.config.new_client_from_config(self.kubeconfig)

    @cached_property
    def dynamic(self) -> kubernetes.dynamic.DynamicClient:
        """The same, for resources of any kind."""
        return kubernetes.dynamic.DynamicClient(self.api)

    @cached_property
    def core(self) -> kubernetes.client.CoreV1Api:
        """Namespaces, Secrets and pods."""
        return kubernetes.client.CoreV1Api(self.api)

    @cached_property
    def models(self) -> Any:
        """TransferModels.

        Raises:
            DemoError: the API server does not know them.
        """
        try:
            return self.dynamic.resources.get(api_version=API_VERSION, kind="TransferModel")
        except ResourceNotFoundError as error:
            raise DemoError("The cluster does not know TransferModels yet: run `make deploy`.") from error

    def apply(self, body: Manifest) -> None:
        """Apply an object server-side; an unknown field is an error.

        Raises:
            DemoError: the API server refuses it; with its sentence.
        """
        kind, metadata = body["kind"], body["metadata"]
        resource = (
            self.models
            if kind == "TransferModel"
            else self.dynamic.resources.get(api_version=body["apiVersion"], kind=kind)
        )
        try:
            resource.server_side_apply(
                body=body,
                name=metadata["name"],
                namespace=metadata.get("namespace"),
                field_manager=FIELD_MANAGER,
                force_conflicts=True,
                query_params=[("fieldValidation", "Strict")],
            )
        except ApiException as error:
            sentence = json.loads(error.body or "{}").get("message", error.reason)
            raise DemoError(f"The API server refuses the {kind} {metadata['name']}: {sentence}") from error

    def prepare(self, namespace: str) -> None:
        """Make the namespace, under Pod Security `restricted`, and the storage credentials in it."""
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "s3", "namespace": namespace},
                "stringData": {
                    "AWS_ACCESS_KEY_ID": self.s3["accessKey"],
                    "AWS_SECRET_ACCESS_KEY": self.s3["secretKey"],
                    "AWS_ENDPOINT_URL": self.s3["inClusterEndpoint"],
                    "AWS_REGION": "us-east-1",
                },
            }
        )

    def apply_file(self, path: Path, namespace: str) -> str:
        """Apply the one object of a YAML file; return its name."""
        body = yaml.safe_load(path.read_text())
        body["metadata"]["namespace"] = namespace
        self.apply(body)
        return str(body["metadata"]["name"])

    def transfer_models(self, namespace: str) -> dict[str, Manifest]:
        """Return the TransferModels of a namespace by name."""
        items = self.models.get(namespace=namespace).to_dict()["items"]
        return {item["metadata"]["name"]: item for item in items}

    def record(self, namespace: str, name: str, version: str) -> Manifest:
        """Return the result of its run that a version records."""
        revisions = self.dynamic.resources.get(api_version="apps/v1", kind="ControllerRevision")
        data = revisions.get(namespace=namespace, name=f"{name}-{version}").to_dict()["data"]
        return dict(data["result"])

    def predictor_pods(self, namespace: str, name: str) -> list[str]:
        """Return the names of the pods that serve a TransferModel, those that are ending too."""
        selector = f"serving.kserve.io/inferenceservice={name}"
        return [pod.metadata.name for pod in self.core.list_namespaced_pod(namespace, label_selector=selector).items]
