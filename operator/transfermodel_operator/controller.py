"""One pass over one TransferModel: observe, decide, do."""

import asyncio
import datetime
import logging
from collections.abc import Callable

from transfermodel_operator.cluster import (
    Client,
    ClusterError,
    ConflictError,
    Memory,
    NotFoundError,
    apply,
    apply_status,
    observe,
)
from transfermodel_operator.events import Events
from transfermodel_operator.plan import Plan, ProofRequest
from transfermodel_operator.proof import prove
from transfermodel_operator.reconcile import reconcile
from transfermodel_operator.settings import Settings
from transfermodel_operator.worker import Key, RetryLaterError

logger = logging.getLogger(__name__)

AT_ONCE = 0.0


class Controller:
    """What is remembered between passes is only what a repetition would bring back."""

    def __init__(self, client: Client, settings: Settings, events: Events, enqueue: Callable[[Key], None]) -> None:
        self._client = client
        self._settings = settings
        self._events = events
        self._enqueue = enqueue
        self._memories: dict[Key, Memory] = {}
        self._proving: dict[Key, asyncio.Task[None]] = {}

    async def handle(self, key: Key) -> float | None:
        """Do one pass; return after how many seconds to come back, or None to wait for a change.

        Raises:
            RetryLaterError: the API server could not do what was asked.
        """
        try:
            return await self._pass(key)
        except (ConflictError, NotFoundError) as error:
            logger.debug("%s: %s; observing again", key, error)
            return AT_ONCE
        except ClusterError as error:
            raise RetryLaterError(str(error), error.retry_after_seconds) from error

    async def _pass(self, key: Key) -> float | None:
        memory = self._memories.setdefault(key, Memory())
        observed = await observe(self._client, key.namespace, key.name, memory)
        if observed is None:
            del self._memories[key]
            return None
        plan = reconcile(observed, self._settings, _now())
        if plan.writes:
            logger.info("%s: %s", key, _summary(plan))
        if not await apply(self._client, plan, observed, memory, _now()):
            return AT_ONCE
        if plan.status is not None:
            await apply_status(self._client, plan.status, observed)
        self._events.post(observed.model, plan.events)
        if plan.proof is not None:
            self._prove(key, plan.proof, memory)
        return AT_ONCE if plan.writes else plan.again_after_seconds

    def _prove(self, key: Key, request: ProofRequest, memory: Memory) -> None:
        """Ask for a prediction beside the passes, and wake the key with its outcome; one at a time per key."""
        if key in self._proving:
            return

        async def ask() -> None:
            uid = memory.uid
            try:
                domain = self._settings.cluster_domain
                proof = await prove(self._client, key.namespace, key.name, request, domain, _now)
            except Exception:
                logger.exception("%s: the prediction of %s failed unexpectedly", key, request.revision)
                return
            finally:
                del self._proving[key]
            logger.info("%s: %s", key, proof.message or f"{request.revision} serves {request.version}")
            if uid == memory.uid:
                memory.proofs[request.revision] = proof
            self._enqueue(key)

        self._proving[key] = asyncio.create_task(ask(), name=f"proof of {key}")


def _summary(plan: Plan) -> str:
    parts = [f"delete {item.kind} {item.name}" for item in plan.deletions]
    parts += [f"create {item['kind']} {item['metadata']['name']}" for item in plan.creations]
    parts += [f"apply {item['kind']} {item['metadata']['name']}" for item in plan.applies]
    if plan.status is not None:
        parts.append(f"status {', '.join(plan.status)}")
    return "; ".join(parts)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
