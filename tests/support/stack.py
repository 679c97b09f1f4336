"""The running stack as the tests see it: the cluster's API, its storage and its ingress."""

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import kubernetes.client
import kubernetes.config
import kubernetes.dynamic
import obstore
from kubernetes.client.exceptions import ApiException
from obstore.store import S3Store

from devcluster import golang
from tests.support.datasets import Files
from tests.support.specs import Manifest, instances_of
from tests.support.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
OPERATOR_NAMESPACE = "transfermodel-system"


@dataclass(frozen=True)
class Stack:
    """What `make cluster-info` says, made usable."""

    kubeconfig: str
    ingress: str
    s3: dict[str, str]

    @classmethod
    def discover(cls) -> "Stack":
        """Ask the devcluster's own command."""
        answer = subprocess.run(
            [sys.executable, "-m", "devcluster", "info"], capture_output=True, text=True, check=False, timeout=60
        )
        if answer.returncode != 0:
            raise RuntimeError(f"the cluster is not up (make cluster-up): {answer.stderr.strip()}")
        info = json.loads(answer.stdout)
        return cls(kubeconfig=info["kubeconfig"], ingress=info["ingress"], s3=info["s3"])

    @cached_property
    def api(self) -> kubernetes.client.ApiClient:
        """A client with the administrator's rights."""
        return kubernetes.config.new_client_from_config(self.kubeconfig)

    @cached_property
    def dynamic(self) -> kubernetes.dynamic.DynamicClient:
        """The same, for resources of any kind."""
        return kubernetes.dynamic.DynamicClient(self.api)

    @cached_property
    def core(self) -> kubernetes.client.CoreV1Api:
        """Pods, Secrets, Events, Namespaces."""
        return kubernetes.client.CoreV1Api(self.api)

    def resource(self, kind: str, api_version: str) -> Any:
        """Return the dynamic client's handle of a kind."""
        return self.dynamic.resources.get(api_version=api_version, kind=kind)

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl as a user would, and return what it printed."""
        answer = subprocess.run(
            [str(golang.build("kubernetes") / "kubectl"), "--kubeconfig", self.kubeconfig, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if check and answer.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout if check else answer.stdout + answer.stderr

    def helm(self, *arguments: str) -> str:
        """Run the helm that the devcluster brings."""
        answer = subprocess.run(
            [str(golang.build("helm") / "helm"), *arguments],
            env=os.environ | {"KUBECONFIG": self.kubeconfig},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        if answer.returncode != 0:
            raise AssertionError(f"helm {' '.join(arguments)}: {answer.stderr}{answer.stdout}")
        return answer.stdout

    def deploy(self) -> None:
        """Install or upgrade the operator, as `make deploy` does."""
        subprocess.run(["scripts/deploy"], check=True, timeout=300, cwd=REPOSITORY)

    def store(self, bucket: str) -> S3Store:
        """Open a bucket of the cluster's S3 server."""
        return S3Store(
            bucket,
            endpoint=self.s3["endpoint"],
            access_key_id=self.s3["accessKey"],
            secret_access_key=self.s3["secretKey"],
            region="us-east-1",
            client_options={"allow_http": True},
        )

    @contextlib.contextmanager
    def workspace(self, prefix: str = "test") -> Iterator["Workspace"]:
        """A namespace of its own under Pod Security `restricted`, with the S3 secret; deleted at the end."""
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.core.create_namespace({"metadata": {"name": name, "labels": labels}})
        workspace = Workspace(self, name)
        try:
            workspace.create_secret("s3")
            yield workspace
        finally:
            self.core.delete_namespace(name)


@dataclass(frozen=True)
class Workspace:
    """One namespace of the cluster, and a prefix of the same name in storage."""

    stack: Stack
    namespace: str

    def create_secret(self, name: str, **overrides: str) -> None:
        """Create storage credentials; overrides by key, such as AWS_SECRET_ACCESS_KEY."""
        data = {
            "AWS_ACCESS_KEY_ID": self.stack.s3["accessKey"],
            "AWS_SECRET_ACCESS_KEY": self.stack.s3["secretKey"],
            "AWS_ENDPOINT_URL": self.stack.s3["inClusterEndpoint"],
            "AWS_REGION": "us-east-1",
        } | overrides
        self.stack.core.create_namespaced_secret(self.namespace, {"metadata": {"name": name}, "stringData": data})

    def upload(self, folder: str, files: Files) -> str:
        """Store files under datasets/<namespace>/<folder> and return the folder's URI."""
        store = self.stack.store("datasets")
        for name, content in files.items():
            obstore.put(store, f"{self.namespace}/{folder}/{name}", content)
        return f"s3://datasets/{self.namespace}/{folder}"

    def artifacts(self, name: str) -> list[str]:
        """Return the keys stored for one TransferModel."""
        prefix = f"{self.namespace}/{name}/"
        return [entry["path"] for batch in obstore.list(self.stack.store("models"), prefix) for entry in batch]

    # -- TransferModels

    @property
    def models(self) -> Any:
        """The dynamic client's handle of TransferModels."""
        return self.stack.resource("TransferModel", "transferlearning.dev/v1alpha1")

    def apply(self, name: str, spec: Manifest) -> None:
        """Apply a TransferModel as kubectl would: strictly."""
        manifest = {
            "apiVersion": "transferlearning.dev/v1alpha1",
            "kind": "TransferModel",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }
        self.stack.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def patch(self, name: str, patch: Manifest, *, subresource: str = "") -> None:
        """Merge-patch a TransferModel or its status."""
        handle = self.models.status if subresource == "status" else self.models
        handle.patch(name=name, namespace=self.namespace, body=patch, content_type="application/merge-patch+json")

    def delete(self, name: str) -> None:
        """Delete a TransferModel; returns at once."""
        self.models.delete(name=name, namespace=self.namespace)

    def model(self, name: str) -> Manifest:
        """Return a TransferModel, or {} when there is none."""
        return self.object("TransferModel", "transferlearning.dev/v1alpha1", name)

    def status(self, name: str) -> Manifest:
        """Return a TransferModel's status, or {}."""
        return self.model(name).get("status") or {}

    def condition(self, name: str, kind: str) -> Manifest:
        """Return one condition of the current generation, or {}."""
        model = self.model(name)
        for condition in (model.get("status") or {}).get("conditions", []):
            if condition["type"] == kind and condition.get("observedGeneration") == model["metadata"]["generation"]:
                return dict(condition)
        return {}

    def wait_ready(self, name: str, timeout_seconds: float = 300) -> Manifest:
        """Wait until Ready is True for the current generation; return the status."""
        wait_for(
            lambda: self.condition(name, "Ready").get("status") == "True",
            timeout_seconds=timeout_seconds,
            what=f"TransferModel {name} Ready",
            explain=lambda: self.explain(name),
        )
        return self.status(name)

    def wait_reason(self, name: str, kind: str, reason: str, timeout_seconds: float = 60) -> str:
        """Wait until a condition has a reason; return its message."""
        wait_for(
            lambda: self.condition(name, kind).get("reason") == reason,
            timeout_seconds=timeout_seconds,
            what=f"TransferModel {name}: {kind} with reason {reason}",
            explain=lambda: self.explain(name),
        )
        return str(self.condition(name, kind)["message"])

    def explain(self, name: str) -> str:
        """Return what a person would look at."""
        return "\n".join(
            [
                self.stack.kubectl("describe", "transfermodel", name, "-n", self.namespace, check=False),
                self.stack.kubectl(
                    "get", "jobs,pods,isvc,revisions.serving.knative.dev", "-n", self.namespace, check=False
                ),
            ]
        )

    # -- Children

    def object(self, kind: str, api_version: str, name: str) -> Manifest:
        """Return any object, or {} when there is none."""
        try:
            found = self.stack.resource(kind, api_version).get(name=name, namespace=self.namespace)
        except ApiException as error:
            if error.status == 404:
                return {}
            raise
        return dict(found.to_dict())

    def objects(self, kind: str, api_version: str, selector: str = "") -> list[Manifest]:
        """Return all objects of a kind in the namespace."""
        answer = self.stack.resource(kind, api_version).get(namespace=self.namespace, label_selector=selector or None)
        return [dict(item) for item in answer.to_dict()["items"]]

    def jobs(self, name: str) -> list[Manifest]:
        """Return the Jobs of one TransferModel."""
        return self.objects("Job", "batch/v1", f"transferlearning.dev/transfermodel={name}")

    def pods(self, selector: str = "") -> list[Manifest]:
        """Return the pods of the namespace."""
        return self.objects("Pod", "v1", selector)

    def inference_service(self, name: str) -> Manifest:
        """Return the InferenceService of one TransferModel, or {}."""
        return self.object("InferenceService", "serving.kserve.io/v1beta1", name)

    def revisions(self, name: str) -> list[Manifest]:
        """Return the Knative Revisions of one TransferModel."""
        return self.objects("Revision", "serving.knative.dev/v1", f"serving.kserve.io/inferenceservice={name}")

    def remains(self, name: str) -> list[str]:
        """Return kind/name of every cluster object that still belongs to one TransferModel."""
        kinds = [
            ("Job", "batch/v1"),
            ("Pod", "v1"),
            ("ControllerRevision", "apps/v1"),
            ("InferenceService", "serving.kserve.io/v1beta1"),
            ("Service", "serving.knative.dev/v1"),
            ("Revision", "serving.knative.dev/v1"),
        ]
        own, served = f"transferlearning.dev/transfermodel={name}", f"serving.kserve.io/inferenceservice={name}"
        found = {
            f"{kind}/{item['metadata']['name']}"
            for kind, api_version in kinds
            for selector in (own, served)
            for item in self.objects(kind, api_version, selector)
        }
        return sorted(found)

    # -- Predictions

    def predict(self, name: str, images: list[bytes], timeout_seconds: float = 60) -> list[Manifest]:
        """POST images through the ingress at the address that status.url gives; return the predictions."""
        url, headers = self.endpoint(name)
        response = httpx.post(url, json=instances_of(images), headers=headers, timeout=timeout_seconds)
        assert response.status_code == 200, f"{url}: {response.status_code} {response.text}"
        return list(response.json()["predictions"])

    def endpoint(self, name: str) -> tuple[str, dict[str, str]]:
        """Return where to POST for predictions, and the Host header.

        curl and browsers resolve <anything>.localhost by themselves; Python leaves it to the C library, which may not.
        """
        host = urlsplit(self.status(name)["url"]).netloc
        return f"{self.stack.ingress}/v1/models/{name}:predict", {"Host": host}
