"""Events on a TransferModel: the story that `kubectl describe` tells. Posting one never fails or delays a pass."""

import asyncio
import datetime
import hashlib
import logging
import time
from collections import OrderedDict
from typing import Any, Final

from transfermodel_operator.cluster import AlreadyExistsError, Client, ClusterError
from transfermodel_operator.cluster.kinds import EVENTS
from transfermodel_operator.plan import EventPost

logger = logging.getLogger(__name__)

CONTROLLER: Final = "transfermodel-operator"
NOTE_LIMIT: Final = 1024
"""Characters that the API server takes."""
REPEAT_SECONDS: Final = 600.0
"""The same words about the same object are not said again within this time."""
REMEMBERED: Final = 2000
WAITING: Final = 200


class Events:
    """Posts one after the other, in the background."""

    def __init__(self, client: Client, instance: str) -> None:
        self._client = client
        self._instance = instance
        self._said: OrderedDict[str, float] = OrderedDict()
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING)

    def post(self, regarding: dict[str, Any], events: tuple[EventPost, ...]) -> None:
        """Queue Events on an object; repetitions, and whatever does not fit into the queue, are dropped."""
        for event in events:
            body = self._event(regarding, event)
            name = body["metadata"]["name"]
            if time.monotonic() - self._said.get(name, -REPEAT_SECONDS) < REPEAT_SECONDS:
                continue
            self._said[name] = time.monotonic()
            self._said.move_to_end(name)
            if len(self._said) > REMEMBERED:
                self._said.popitem(last=False)
            if not self._queue.full():
                self._queue.put_nowait(body)

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            body = await self._queue.get()
            try:
                await self._client.create(EVENTS, body["metadata"]["namespace"], body)
            except AlreadyExistsError:
                pass
            except ClusterError as error:
                logger.debug("an Event was not posted: %s", error)

    def _event(self, regarding: dict[str, Any], event: EventPost) -> dict[str, Any]:
        metadata = regarding["metadata"]
        words = "\0".join((metadata["uid"], event.type, event.reason, event.message))
        note = event.message if len(event.message) <= NOTE_LIMIT else event.message[: NOTE_LIMIT - 1] + "…"
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            # The name is a hash of the words: two operators, or one before and after a crash, say it once.
            "metadata": {
                "name": f"{metadata['name']}.{hashlib.sha256(words.encode()).hexdigest()[:16]}",
                "namespace": metadata["namespace"],
            },
            "type": event.type,
            "reason": event.reason,
            "message": note,
            "involvedObject": {
                "apiVersion": regarding["apiVersion"],
                "kind": regarding["kind"],
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            # kubectl describe sorts by these; the newer events.k8s.io has no place for them.
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "source": {"component": CONTROLLER},
            "reportingComponent": CONTROLLER,
            "reportingInstance": self._instance,
        }
