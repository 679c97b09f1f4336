"""Carry out a plan's writes: in order, up to the first that is refused."""

import logging
from dataclasses import replace
from datetime import datetime
from typing import Final

from transfermodel_operator.cluster.client import Client, Object
from transfermodel_operator.cluster.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ThrottledError,
    UnauthorizedError,
)
from transfermodel_operator.cluster.kinds import TRANSFER_MODELS, kind_of
from transfermodel_operator.cluster.observe import Memory
from transfermodel_operator.observed import Observed, Refusal
from transfermodel_operator.plan import Plan

logger = logging.getLogger(__name__)

TAKEN_LIMIT: Final = 3
"""A name that is taken so often, by something that an observation does not show, is somebody else's."""


async def apply(client: Client, plan: Plan, observed: Observed, memory: Memory, now: datetime) -> bool:
    """Carry out deletions, creations and applies; return whether all of them are done.

    A refusal is remembered, for the next plan to tell of it. False also means: observe again.

    Raises:
        ClusterError: the API server has no time or did not accept the credentials; nothing is to be told.
    """
    namespace = observed.model["metadata"]["namespace"]
    for deletion in plan.deletions:
        kind = kind_of(deletion.api_version, deletion.kind)
        try:
            await client.delete(kind, namespace, deletion.name, uid=deletion.uid, propagation=deletion.propagation)
        except ClusterError as error:
            return _refused(memory, f"{deletion.kind}/{deletion.name}", error, now)
        _accepted(memory, f"{deletion.kind}/{deletion.name}")
    for manifest in plan.creations:
        try:
            await client.create(kind_of(manifest["apiVersion"], manifest["kind"]), namespace, manifest)
        except AlreadyExistsError as error:
            return _taken(memory, _name(manifest), error, now)
        except ClusterError as error:
            return _refused(memory, _name(manifest), error, now)
        _accepted(memory, _name(manifest))
    for manifest in plan.applies:
        try:
            # What was seen (it has a uid) is ours; what was not seen may be somebody else's by now.
            force = "uid" in manifest["metadata"]
            await client.apply(kind_of(manifest["apiVersion"], manifest["kind"]), namespace, manifest, force=force)
        except ConflictError:
            return False
        except ClusterError as error:
            return _refused(memory, _name(manifest), error, now)
        _accepted(memory, _name(manifest))
    return True


async def apply_status(client: Client, status: Object, observed: Observed) -> None:
    """Merge our keys into the status of the object that was read.

    Raises:
        ConflictError: it has changed since.
        NotFoundError: it is gone.
    """
    metadata = observed.model["metadata"]
    patch = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": status}
    await client.merge(TRANSFER_MODELS, metadata["namespace"], metadata["name"], patch, subresource="status")


def _name(manifest: Object) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def _accepted(memory: Memory, name: str) -> None:
    memory.refusals.pop(name, None)
    memory.taken.pop(name, None)


def _taken(memory: Memory, name: str, error: AlreadyExistsError, now: datetime) -> bool:
    """Somebody was faster, most likely this operator before a restart: the next observation shows the object."""
    memory.taken[name] = memory.taken.get(name, 0) + 1
    if memory.taken[name] >= TAKEN_LIMIT:
        _refused(memory, name, error, now)
    return False


def _refused(memory: Memory, name: str, error: ClusterError, now: datetime) -> bool:
    if isinstance(error, (ThrottledError, UnauthorizedError)):
        raise error
    logger.warning("%s was refused: %s", name, error)
    before = memory.refusals.get(name)
    if before is None:
        memory.refusals[name] = Refusal(code=error.status, message=error.sentence, at=now)
    else:
        memory.refusals[name] = replace(
            before, code=error.status, message=error.sentence, at=now, count=before.count + 1
        )
    return False
