"""The Kopf shell: what the watches deliver only wakes keys. Nothing is decided here, and nothing returned.

Only `@kopf.on.event`: it needs no finalizer and no annotation, so deleting works while the operator is down.
"""

import asyncio
import signal
from collections.abc import Callable, Collection
from typing import Any, Final, cast

import kopf

from transfermodel_operator.cluster import Client
from transfermodel_operator.cluster.kinds import INFERENCE_SERVICES, JOBS, PODS, REVISIONS, TRANSFER_MODELS, Kind
from transfermodel_operator.resources.names import MODEL_LABEL
from transfermodel_operator.watched import Watched
from transfermodel_operator.worker import Key

CHILDREN: Final = (JOBS, PODS, INFERENCE_SERVICES, REVISIONS)
WATCHED: Final = (TRANSFER_MODELS, *CHILDREN)
"""ControllerRevisions are not: the operator itself writes them, and the re-list finds one that somebody deletes."""

IDENTITY: Final = cast(Any, "transfermodel-operator")
"""Of a peering that is switched off."""

Enqueue = Callable[[Key], None]


class Dependants:
    """Who waits for whom: TransferModels by the one that they start from."""

    def __init__(self) -> None:
        self._base_of: dict[Key, Key] = {}

    def learn(self, item: Any, *, gone: bool = False) -> Key:
        """Record a TransferModel's base; return its key."""
        metadata = item["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        base = ((item.get("spec") or {}).get("backbone") or {}).get("fromTransferModel")
        if gone or not base:
            self._base_of.pop(key, None)
        else:
            self._base_of[key] = Key(key.namespace, base)
        return key

    def of(self, base: Key) -> list[Key]:
        """Return those that start from `base`."""
        return [key for key, its_base in self._base_of.items() if its_base == base]


def build_registry(client: Client, enqueue: Enqueue, watched: Watched) -> kopf.OperatorRegistry:
    """Return Kopf's registry: one event handler per kind, and the login."""
    registry = kopf.OperatorRegistry()
    dependants = Dependants()

    async def transfer_model(event: Any, **_: Any) -> None:
        item = event["object"]
        watched.delivered(str(TRANSFER_MODELS), event["type"], item)
        key = dependants.learn(item, gone=event["type"] == "DELETED")
        enqueue(key)
        for dependant in dependants.of(key):
            enqueue(dependant)

    def child(kind: Kind) -> Callable[..., Any]:
        async def handler(event: Any, **_: Any) -> None:
            item = event["object"]
            watched.delivered(str(kind), event["type"], item)
            metadata = item["metadata"]
            enqueue(Key(metadata["namespace"], metadata["labels"][MODEL_LABEL]))

        return handler

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(**await client.credentials())

    kopf.on.login(registry=registry, id="login")(login)
    kopf.on.event(*_selector(TRANSFER_MODELS), registry=registry, id="transfermodel")(transfer_model)
    for kind in CHILDREN:
        kopf.on.event(*_selector(kind), registry=registry, id=kind.plural)(child(kind))
    return registry


def build_settings() -> kopf.OperatorSettings:
    """Return Kopf's settings: watch, and nothing else."""
    settings = kopf.OperatorSettings()
    # Kinds are looked up once, at the start. Following CRDs would need leave to list all of them, and memory for
    # KServe's, which are megabytes; the re-list notices a kind that comes or goes and starts the process again.
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.watching.server_timeout = 300
    settings.watching.connect_timeout = 5
    settings.networking.request_timeout = 30
    # A stream that is refused for longer ends the process, which then starts with everything read anew.
    settings.networking.error_backoffs = (1, 2, 4, 8)
    for kind in CHILDREN:
        settings.watching.label_selectors[_selector(kind)] = MODEL_LABEL
    return settings


async def watch(
    client: Client, enqueue: Enqueue, watched: Watched, namespaces: Collection[str], stop: asyncio.Event
) -> None:
    """Watch until a stream is lost; the process is expected to end then. SIGTERM and SIGINT set `stop`.

    Raises:
        Exception: whatever ended the stream.
    """
    tasks = await kopf.spawn_tasks(
        registry=build_registry(client, enqueue, watched),
        settings=build_settings(),
        standalone=True,
        # Kopf would make one from the name of the system's user, and a container's user has none.
        identity=IDENTITY,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
    )
    # In place of Kopf's own, which would take its time and leave the Lease held.
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Not kopf.run_tasks: it would spend seconds on an orderly end of what has nothing to save.
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def _selector(kind: Kind) -> tuple[str, str, str]:
    return kind.group, kind.version, kind.plural
