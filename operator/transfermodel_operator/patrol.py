"""The rounds: every minute wake every TransferModel and check that the watches saw what a live list shows."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Final

from transfermodel_operator.cluster import Client, ClusterError, KindAbsentError
from transfermodel_operator.cluster.kinds import TRANSFER_MODELS, Kind
from transfermodel_operator.handlers import CHILDREN, WATCHED
from transfermodel_operator.liveness import Liveness
from transfermodel_operator.resources.names import MODEL_LABEL
from transfermodel_operator.watched import Watched
from transfermodel_operator.worker import Key

logger = logging.getLogger(__name__)

TICK_SECONDS: Final = 2.0
START_SECONDS: Final = 20.0
"""How long a watch may take to come up, on a machine that has better things to do."""


class BlindError(Exception):
    """The operator does not see the cluster as it is: it must start anew."""


class Patrol:
    """Lists each kind that is watched; `enqueue` is called for every TransferModel."""

    def __init__(
        self,
        client: Client,
        enqueue: Callable[[Key], None],
        watched: Watched,
        liveness: Liveness,
        *,
        watching: Callable[[str], bool],
        namespaces: Collection[str],
        relist_seconds: float,
    ) -> None:
        self._client = client
        self._enqueue = enqueue
        self._watched = watched
        self._liveness = liveness
        self._watching = watching
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._relist_seconds = relist_seconds
        self._known: dict[Kind, float] = {}
        """Kinds that the API server has, and since when they are known."""
        self._was_watched: set[Kind] = set()

    async def run(self) -> None:
        """Go round until something is wrong.

        Raises:
            BlindError: a watch is gone, did not deliver in time, or a kind appeared that nobody watches.
        """
        loop = asyncio.get_running_loop()
        following = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if loop.time() >= following:
                await self._round()
                following = loop.time() + self._relist_seconds
            self._check()

    async def _round(self) -> None:
        for kind in WATCHED:
            try:
                items = [
                    item
                    for namespace in self._namespaces
                    for item in await self._client.list(
                        kind, namespace, labels=MODEL_LABEL if kind in CHILDREN else "", metadata_only=True
                    )
                ]
            except KindAbsentError:
                self._known.pop(kind, None)
                self._was_watched.discard(kind)
                continue
            except ClusterError as error:
                logger.warning("the list of %s failed: %s", kind, error)
                continue
            self._known.setdefault(kind, asyncio.get_running_loop().time())
            self._watched.listed(str(kind), items)
            if kind is TRANSFER_MODELS:
                for item in items:
                    self._enqueue(Key(item["metadata"]["namespace"], item["metadata"]["name"]))

    def _check(self) -> None:
        now = asyncio.get_running_loop().time()
        for kind, since in self._known.items():
            if self._watching(f"{kind.plural}.{kind.version}"):
                self._was_watched.add(kind)
            elif kind in self._was_watched or now - since > START_SECONDS:
                self._liveness.wrong(f"nothing watches {kind}")
                raise BlindError(f"nothing watches {kind}: its watch ended, or the kind was installed after the start")
        if late := self._watched.overdue():
            self._liveness.wrong(f"the watch of {late} does not deliver")
            raise BlindError(f"the watch of {late} did not deliver a change that a list showed")
        self._liveness.well()
