"""One active operator at a time: a Lease that ends the process when it is lost."""

import asyncio
import datetime
import logging
import os
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from transfermodel_operator.cluster import AlreadyExistsError, Client, ClusterError, ConflictError
from transfermodel_operator.cluster.kinds import LEASES

logger = logging.getLogger(__name__)

NAME: Final = "transfermodel-operator"
DURATION_SECONDS: Final = 15
"""Another operator may take over when the Lease has stood still for so long."""
RENEW_SECONDS: Final = 3.0
ATTEMPT_SECONDS: Final = 4.0
GIVE_UP_SECONDS: Final = 9.0
"""An operator that could not renew for so long ends itself, before another may start."""
POLL_SECONDS: Final = 1.0


def end_process(message: str) -> None:
    """End at once: an operator without the Lease must not write another word."""
    logger.critical("%s; ending the process", message)
    logging.shutdown()
    os._exit(1)


class Lease:
    """Holds `transfermodel-operator` in the operator's own namespace.

    Expiry is judged by how long this process saw the Lease stand still, not by the clock of another machine.
    """

    def __init__(
        self, client: Client, namespace: str, pod: str, *, on_lost: Callable[[str], None] = end_process
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._pod = pod
        self._on_lost = on_lost
        self.identity = f"{pod}_{secrets.token_hex(4)}"
        self._held: dict[str, Any] | None = None

    async def acquire(self) -> None:
        """Wait until the Lease is ours."""
        seen: tuple[Any, Any] | None = None
        since = time.monotonic()
        announced = False
        while True:
            try:
                lease = await self._client.get(LEASES, self._namespace, NAME)
                if lease is None:
                    self._held = await self._client.create(LEASES, self._namespace, self._new())
                    break
                spec = lease.get("spec") or {}
                if (spec.get("holderIdentity"), spec.get("renewTime")) != seen:
                    seen, since = (spec.get("holderIdentity"), spec.get("renewTime")), time.monotonic()
                still_for = time.monotonic() - since
                if self._is_free(spec) or still_for > float(spec.get("leaseDurationSeconds") or DURATION_SECONDS):
                    self._held = await self._client.replace(LEASES, self._namespace, NAME, self._taken(lease))
                    break
                if not announced:
                    announced = True
                    logger.info("waiting for the Lease %s/%s of %s", self._namespace, NAME, spec["holderIdentity"])
            except (AlreadyExistsError, ConflictError):
                continue
            except ClusterError as error:
                logger.warning("cannot take the Lease %s/%s yet: %s", self._namespace, NAME, error)
            await asyncio.sleep(POLL_SECONDS)
        logger.info("holding the Lease %s/%s as %s", self._namespace, NAME, self.identity)

    async def hold(self) -> None:
        """Renew for ever; end the process when somebody else holds the Lease or it cannot be renewed in time."""
        renewed = time.monotonic()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    await self._renew()
                renewed = time.monotonic()
            except LostError as error:
                self._on_lost(str(error))
                return
            except (TimeoutError, ClusterError) as error:
                logger.warning("the Lease was not renewed: %s", error or "no answer in time")
            if time.monotonic() - renewed > GIVE_UP_SECONDS:
                self._on_lost(f"the Lease could not be renewed for {time.monotonic() - renewed:.0f} s")
                return

    async def release(self) -> None:
        """Let the next operator start at once; called when nothing will be written any more."""
        if self._held is None:
            return
        try:
            self._held["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
            await self._client.replace(LEASES, self._namespace, NAME, self._held)
        except ClusterError as error:
            logger.warning("the Lease was not released: %s", error)
        self._held = None

    async def _renew(self) -> None:
        assert self._held is not None  # noqa: S101 - acquire() comes first
        body = self._held | {"spec": self._held["spec"] | {"renewTime": _now()}}
        try:
            self._held = await self._client.replace(LEASES, self._namespace, NAME, body)
        except ConflictError:
            # Somebody touched it (a label, say): what counts is who holds it.
            lease = await self._client.get(LEASES, self._namespace, NAME)
            holder = ((lease or {}).get("spec") or {}).get("holderIdentity")
            if lease is None or holder != self.identity:
                raise LostError(f"the Lease is held by {holder or 'nobody'}") from None
            self._held = lease
        except ClusterError as error:
            if error.status == 404:
                raise LostError("the Lease was deleted") from error
            raise

    def _is_free(self, spec: dict[str, Any]) -> bool:
        holder = spec.get("holderIdentity") or ""
        # A pod runs one operator: a holder of our own pod's name is the container before this one.
        return not holder or holder.rpartition("_")[0] == self._pod

    def _new(self) -> dict[str, Any]:
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": NAME, "namespace": self._namespace},
            "spec": self._spec(transitions=0),
        }

    def _taken(self, lease: dict[str, Any]) -> dict[str, Any]:
        transitions = int((lease.get("spec") or {}).get("leaseTransitions") or 0)
        return lease | {"spec": self._spec(transitions + 1)}

    def _spec(self, transitions: int) -> dict[str, Any]:
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": _now(),
            "renewTime": _now(),
            "leaseTransitions": transitions,
        }


class LostError(Exception):
    """The Lease is no longer ours."""


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
