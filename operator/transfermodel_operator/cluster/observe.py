"""Read the cluster around one TransferModel, live: no cache can be stale, and no watch can be missed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from transfermodel_operator.cluster.client import Client, Object
from transfermodel_operator.cluster.errors import ClusterError, KindAbsentError, NotFoundError
from transfermodel_operator.cluster.kinds import (
    CONTROLLER_REVISIONS,
    EVENTS,
    INFERENCE_SERVICES,
    JOBS,
    PODS,
    REVISIONS,
    TRANSFER_MODELS,
    Kind,
)
from transfermodel_operator.observed import Apis, Base, Observed, Proof, Refusal
from transfermodel_operator.resources.names import INFERENCE_SERVICE_LABEL, MODEL_LABEL, controller_uid

LONGEST_CHAIN: Final = 32
LOG_LINES: Final = 1
LOG_BYTES: Final = 4096


@dataclass
class Memory:
    """What is known of one TransferModel and is not in the cluster; losing it costs a repetition, nothing else."""

    uid: str = ""
    proofs: dict[str, Proof] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    """<kind>/<name> -> how often its creation found the name taken."""

    def of(self, uid: str) -> "Memory":
        """Return this memory, emptied when it is of an earlier object of the same name."""
        if uid != self.uid:
            self.uid = uid
            self.proofs.clear()
            self.refusals.clear()
            self.taken.clear()
        return self


async def observe(client: Client, namespace: str, name: str, memory: Memory) -> Observed | None:
    """Return what there is, or None when the TransferModel is gone.

    Raises:
        ClusterError: something could not be read.
    """
    model = await client.get(TRANSFER_MODELS, namespace, name)
    if model is None:
        return None
    remembered = memory.of(model["metadata"]["uid"])
    if model["metadata"].get("deletionTimestamp"):
        return Observed(model=model)
    ours = f"{MODEL_LABEL}={name}"
    bases, jobs, pods, versions, (service, has_kserve), (revisions, has_knative) = await asyncio.gather(
        _bases(client, model),
        client.list(JOBS, namespace, labels=ours),
        client.list(PODS, namespace, labels=ours),
        client.list(CONTROLLER_REVISIONS, namespace, labels=ours),
        _inference_service(client, namespace, name),
        _list_if_known(client, REVISIONS, namespace, f"{INFERENCE_SERVICE_LABEL}={name}"),
    )
    own_jobs = [job for job in jobs if controller_uid(job) == remembered.uid]
    progress, warnings = await asyncio.gather(
        _progress(client, namespace, own_jobs, pods), _warnings(client, namespace, own_jobs, pods)
    )
    for gone in remembered.proofs.keys() - {revision["metadata"]["name"] for revision in revisions}:
        del remembered.proofs[gone]
    return Observed(
        model=model,
        bases=bases,
        jobs=tuple(jobs),
        pods=tuple(pods),
        job_warnings=warnings,
        progress=progress,
        controller_revisions=tuple(versions),
        apis=Apis(kserve=has_kserve, knative=has_knative),
        inference_service=service,
        revisions=tuple(revisions),
        proofs=dict(remembered.proofs),
        refusals=dict(remembered.refusals),
    )


async def _inference_service(client: Client, namespace: str, name: str) -> tuple[Object | None, bool]:
    """Return the InferenceService of that name, and whether the cluster has the kind."""
    try:
        return await client.get(INFERENCE_SERVICES, namespace, name), True
    except KindAbsentError:
        return None, False


async def _list_if_known(client: Client, kind: Kind, namespace: str, labels: str) -> tuple[list[Object], bool]:
    try:
        return await client.list(kind, namespace, labels=labels), True
    except KindAbsentError:
        return [], False


async def _bases(client: Client, model: Object) -> tuple[Base, ...]:
    """Follow fromTransferModel until it ends, is missing, or comes back to a name."""
    namespace = model["metadata"]["namespace"]
    seen = {model["metadata"]["name"]}
    chain: list[Base] = []
    following = _base_name(model)
    while following and following not in seen and len(chain) < LONGEST_CHAIN:
        seen.add(following)
        if chain:
            manifest = await client.get(TRANSFER_MODELS, namespace, following)
            chain.append(Base(following, manifest))
        else:
            manifest, versions = await asyncio.gather(
                client.get(TRANSFER_MODELS, namespace, following),
                client.list(CONTROLLER_REVISIONS, namespace, labels=f"{MODEL_LABEL}={following}"),
            )
            chain.append(Base(following, manifest, tuple(versions)))
        following = _base_name(manifest) if manifest else None
    return tuple(chain)


def _base_name(model: Mapping[str, Any]) -> str | None:
    name = ((model.get("spec") or {}).get("backbone") or {}).get("fromTransferModel")
    return name if isinstance(name, str) else None


async def _progress(client: Client, namespace: str, jobs: list[Object], pods: list[Object]) -> dict[str, str]:
    """Return the last line of each running training pod."""
    uids = {job["metadata"]["uid"] for job in jobs}
    running = [pod for pod in pods if controller_uid(pod) in uids and _running(pod)]
    lines = await asyncio.gather(*(_last_line(client, namespace, pod) for pod in running))
    return {pod["metadata"]["name"]: line for pod, line in zip(running, lines, strict=True) if line}


def _running(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return any("running" in (status.get("state") or {}) for status in statuses)


async def _last_line(client: Client, namespace: str, pod: Object) -> str | None:
    """Return None when there is nothing to read (yet, or no longer): progress is never worth failing a pass."""
    name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]
    try:
        text = await client.logs(namespace, name, container=container, tail_lines=LOG_LINES, limit_bytes=LOG_BYTES)
    except ClusterError:
        return None
    return text.strip() or None


async def _warnings(client: Client, namespace: str, jobs: list[Object], pods: list[Object]) -> dict[str, str]:
    """Return why the pods of active Jobs without any are refused."""
    owners = {controller_uid(pod) for pod in pods}
    waiting = [job for job in jobs if job["metadata"]["uid"] not in owners and not _finished(job)]
    messages = await asyncio.gather(*(_newest_refusal(client, namespace, job) for job in waiting))
    return {job["metadata"]["name"]: message for job, message in zip(waiting, messages, strict=True) if message}


def _finished(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(c.get("type") in ("Complete", "Failed") and c.get("status") == "True" for c in conditions)


async def _newest_refusal(client: Client, namespace: str, job: Object) -> str | None:
    fields = f"involvedObject.uid={job['metadata']['uid']},reason=FailedCreate"
    try:
        events = await client.list(EVENTS, namespace, fields=fields)
    except NotFoundError:
        return None
    if not events:
        return None
    newest = max(events, key=_when)
    return str(newest.get("message", "")) or None


def _when(event: Object) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")
