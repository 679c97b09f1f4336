"""Kubelet, KServe and Knative, played: their objects are written by the tests, through a real API server."""

import asyncio
import contextlib
import datetime
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes.aio import config
from kubernetes.aio.client import Configuration
from transfermodel_operator.cluster import AlreadyExistsError, Client, ClusterError, NotFoundError, TemporaryError
from transfermodel_operator.cluster.kinds import (
    CONTROLLER_REVISIONS,
    INFERENCE_SERVICES,
    JOBS,
    PODS,
    REVISIONS,
    TRANSFER_MODELS,
    Kind,
)

Manifest = dict[str, Any]

NAMESPACES = Kind("", "v1", "namespaces", "Namespace")
RUN_LABEL = "transferlearning.dev/run"
INFERENCE_SERVICE_LABEL = "serving.kserve.io/inferenceservice"


def minimal_crd(kind: Kind) -> Manifest:
    """Return a CRD that takes anything, with a status subresource."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": anything},
        "subresources": {"status": {}},
    }
    names = {"plural": kind.plural, "singular": kind.kind.lower(), "kind": kind.kind, "listKind": f"{kind.kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


async def connect(kubeconfig: Path) -> Client:
    """Return a client with a kubeconfig's rights."""
    configuration = Configuration()
    await config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
    return Client(configuration)


async def until(
    probe: Callable[[], Awaitable[Any]], what: str, timeout_seconds: float = 15, interval_seconds: float = 0.1
) -> Any:
    """Poll until `probe` returns something true, and return that."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    last: Any = None
    while asyncio.get_running_loop().time() < deadline:
        last = await probe()
        if last:
            return last
        await asyncio.sleep(interval_seconds)
    raise AssertionError(f"not within {timeout_seconds:g} s: {what} (last: {last!r})")


def now() -> str:
    """Return the time as Kubernetes writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def result_of(request: Manifest, digest: str = "", **changes: Any) -> Manifest:
    """Return the result that a trainer would report for a request."""
    digest = digest or f"sha256:{hashlib.sha256(request['run'].encode()).hexdigest()}"
    return {
        "outcome": "Succeeded",
        "run": request["run"],
        "inputsDigest": "0" * 64,
        "dataDigest": "1" * 64,
        "uri": f"{request['outputUri']}/{request['namespace']}/{request['name']}/runs/{request['run']}/0/artifact",
        "digest": digest,
        "metrics": {"accuracy": "0.91"},
        "metricsSplit": "validation",
        "estimated": True,
        "counts": {"classes": 3, "train": 30},
        "seconds": {"total": 7.5},
        "device": "cpu",
    } | changes


@dataclass
class World:
    """One namespace, in which pods run and InferenceServices get revisions when the test wants it."""

    client: Client
    namespace: str
    train: Callable[[Manifest], tuple[int, str] | None] = lambda request: (0, json.dumps(result_of(request)))
    """What a training pod ends with (exit code and termination message), given its request; None: it goes on."""
    schedule: bool = True
    """Whether training pods start."""
    broken_versions: set[str] = field(default_factory=set)
    """Versions whose revisions never become ready."""
    kserve_runs: bool = True
    requests: list[Manifest] = field(default_factory=list)
    """Of the training pods that were started."""

    # -- What a user does

    async def apply(self, name: str, spec: Manifest) -> Manifest:
        """Create a TransferModel."""
        manifest = {
            "apiVersion": TRANSFER_MODELS.api_version,
            "kind": TRANSFER_MODELS.kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }
        return await self.client.create(TRANSFER_MODELS, self.namespace, manifest)

    async def edit(self, name: str, patch: Manifest) -> None:
        """Merge-patch a TransferModel."""
        await self.client.merge(TRANSFER_MODELS, self.namespace, name, patch)

    async def delete(self, name: str) -> None:
        """Delete a TransferModel."""
        await self.client.delete(TRANSFER_MODELS, self.namespace, name, uid=None, propagation="Background")

    async def model(self, name: str) -> Manifest:
        """Return a TransferModel, or {}."""
        return await self.client.get(TRANSFER_MODELS, self.namespace, name) or {}

    async def status(self, name: str) -> Manifest:
        """Return its status, or {}."""
        return (await self.model(name)).get("status") or {}

    async def condition(self, name: str, kind: str) -> Manifest:
        """Return one condition for the present generation, or {}."""
        model = await self.model(name)
        for condition in (model.get("status") or {}).get("conditions") or []:
            if condition["type"] == kind and condition.get("observedGeneration") == model["metadata"]["generation"]:
                return dict(condition)
        return {}

    async def wait_ready(self, name: str, timeout_seconds: float = 20) -> Manifest:
        """Wait until Ready is True; return the status."""

        async def ready() -> bool:
            return (await self.condition(name, "Ready")).get("status") == "True"

        try:
            await until(ready, f"{name} is Ready", timeout_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {json.dumps(await self.status(name), indent=1)}") from None
        return await self.status(name)

    async def wait_reason(self, name: str, kind: str, reason: str, timeout_seconds: float = 15) -> str:
        """Wait until a condition has a reason; return its message."""

        async def there() -> bool:
            return (await self.condition(name, kind)).get("reason") == reason

        try:
            await until(there, f"{name}: {kind} {reason}", timeout_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {json.dumps(await self.status(name), indent=1)}") from None
        return str((await self.condition(name, kind))["message"])

    async def jobs(self) -> list[Manifest]:
        """Return all Jobs."""
        return await self.client.list(JOBS, self.namespace)

    async def pods(self) -> list[Manifest]:
        """Return all pods."""
        return await self.client.list(PODS, self.namespace)

    async def versions(self) -> list[str]:
        """Return the names of all ControllerRevisions."""
        return sorted(item["metadata"]["name"] for item in await self.client.list(CONTROLLER_REVISIONS, self.namespace))

    async def revisions(self) -> list[Manifest]:
        """Return all Knative Revisions."""
        return await self.client.list(REVISIONS, self.namespace)

    # -- What the cluster does

    async def play(self) -> None:
        """Play until cancelled."""
        while True:
            with contextlib.suppress(TemporaryError, NotFoundError, AlreadyExistsError):
                await self._kubelet()
                if self.kserve_runs:
                    await self._kserve()
            await asyncio.sleep(0.1)

    async def _kubelet(self) -> None:
        for pod in await self.client.list(PODS, self.namespace, labels=RUN_LABEL):
            if not self.schedule or pod["metadata"].get("deletionTimestamp"):
                continue
            container = pod["spec"]["containers"][0]
            request = json.loads(next(e["value"] for e in container["env"] if e["name"] == "TRANSFERMODEL_RUN"))
            phase = pod["status"]["phase"]
            if phase == "Pending":
                self.requests.append(request)
                await self._pod_status(pod, "Running", {"running": {"startedAt": now()}})
            elif phase == "Running" and (outcome := self.train(request)) is not None:
                code, message = outcome
                terminated = {"exitCode": code, "message": message, "startedAt": now(), "finishedAt": now()}
                await self._pod_status(pod, "Failed" if code else "Succeeded", {"terminated": terminated})

    async def _pod_status(self, pod: Manifest, phase: str, state: Manifest) -> None:
        container = pod["spec"]["containers"][0]
        status = {
            "phase": phase,
            "startTime": now(),
            "conditions": [{"type": "PodScheduled", "status": "True"}],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "imageID": "sha256:0",
                    "containerID": "played://0",
                    "ready": phase == "Running",
                    "restartCount": 0,
                    "state": state,
                }
            ],
        }
        name = pod["metadata"]["name"]
        await self.client.merge(PODS, self.namespace, name, {"status": status}, subresource="status")

    async def _kserve(self) -> None:
        for service in await self.client.list(INFERENCE_SERVICES, self.namespace):
            if service["metadata"].get("deletionTimestamp"):
                continue
            await self._roll_out(service)

    async def _roll_out(self, service: Manifest) -> None:
        """Make revisions and share the traffic as KServe and Knative do."""
        metadata, predictor = service["metadata"], dict(service["spec"]["predictor"])
        percent = predictor.pop("canaryTrafficPercent", None)
        template = json.dumps([metadata.get("labels"), metadata.get("annotations"), predictor], sort_keys=True)
        stamp = hashlib.sha256(template.encode()).hexdigest()[:16]
        selector = f"{INFERENCE_SERVICE_LABEL}={metadata['name']}"
        revisions = sorted(
            await self.client.list(REVISIONS, self.namespace, labels=selector), key=lambda r: r["metadata"]["name"]
        )
        if not revisions or revisions[-1]["metadata"]["annotations"]["played/template"] != stamp:
            revisions.append(await self._create_revision(service, len(revisions) + 1, stamp))
        created = revisions[-1]["metadata"]["name"]
        ready = [
            r["metadata"]["name"]
            for r in revisions
            if r["metadata"]["labels"].get("transferlearning.dev/version") not in self.broken_versions
        ]
        former = (service.get("status") or {}).get("components", {}).get("predictor", {})
        rolled_out = former.get("latestRolledoutRevision")
        component: Manifest = {"latestCreatedRevision": created}
        if ready:
            newest = ready[-1]
            component |= {
                "latestReadyRevision": newest,
                "url": f"http://{metadata['name']}-predictor.{self.namespace}.example.com",
            }
            if percent is None or percent == 100 or not rolled_out or rolled_out == newest:
                rolled_out = newest
                component["traffic"] = [{"revisionName": newest, "percent": 100, "latestRevision": True}]
            else:
                component["traffic"] = [
                    {"revisionName": newest, "percent": percent, "latestRevision": True},
                    {"revisionName": rolled_out, "percent": 100 - percent, "tag": "prev"},
                ]
            component["latestRolledoutRevision"] = rolled_out
        route = {"type": "PredictorRouteReady", "status": "True" if ready else "Unknown"}
        status = {"components": {"predictor": component}, "conditions": [route]}
        if status != service.get("status"):
            await self.client.merge(
                INFERENCE_SERVICES, self.namespace, metadata["name"], {"status": status}, subresource="status"
            )

    async def _create_revision(self, service: Manifest, number: int, stamp: str) -> Manifest:
        metadata, predictor = service["metadata"], service["spec"]["predictor"]
        scale = {f"autoscaling.knative.dev/{key}-scale": str(predictor[f"{key}Replicas"]) for key in ("min", "max")}
        labels = (metadata.get("labels") or {}) | {INFERENCE_SERVICE_LABEL: metadata["name"]}
        body = {
            "apiVersion": REVISIONS.api_version,
            "kind": REVISIONS.kind,
            "metadata": {
                "name": f"{metadata['name']}-predictor-{number:05}",
                "namespace": self.namespace,
                "labels": labels,
                "annotations": (metadata.get("annotations") or {}) | scale | {"played/template": stamp},
                "ownerReferences": [
                    {
                        "apiVersion": INFERENCE_SERVICES.api_version,
                        "kind": INFERENCE_SERVICES.kind,
                        "name": metadata["name"],
                        "uid": metadata["uid"],
                        "controller": True,
                    }
                ],
            },
            "spec": {"containers": predictor.get("containers") or []},
        }
        return await self.client.create(REVISIONS, self.namespace, body)


@contextlib.asynccontextmanager
async def world(kubeconfig: Path) -> AsyncIterator[World]:
    """Play in a namespace of its own."""
    client = await connect(kubeconfig)
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    await client.request("POST", NAMESPACES.path(), body={"metadata": {"name": namespace}})
    played = World(client, namespace)
    task = asyncio.create_task(played.play())
    try:
        yield played
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with contextlib.suppress(ClusterError):
            await client.request("DELETE", NAMESPACES.path(name=namespace))
        await client.close()
