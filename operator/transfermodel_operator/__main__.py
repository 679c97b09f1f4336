"""`python -m transfermodel_operator`: the operator as a process."""

import asyncio
import logging
import os
import socket
import sys

from transfermodel_operator import handlers, logs
from transfermodel_operator.cluster import Client
from transfermodel_operator.controller import Controller
from transfermodel_operator.events import Events
from transfermodel_operator.lease import Lease
from transfermodel_operator.liveness import Liveness, watching
from transfermodel_operator.patrol import BlindError, Patrol
from transfermodel_operator.settings import Settings
from transfermodel_operator.watched import Watched
from transfermodel_operator.worker import Worker

logger = logging.getLogger("transfermodel_operator")

STOP_SECONDS = 3.0


async def run(settings: Settings) -> int:
    """Operate until told to stop or until the cluster is out of sight; return the exit code.

    A lost watch ends the process: whoever starts it again (the kubelet) gets one that reads everything anew.
    """
    pod = os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"
    namespace = os.environ.get("POD_NAMESPACE") or "default"
    client = await Client.connect()
    liveness = Liveness()
    await liveness.serve(settings.liveness_port)
    lease = Lease(client, namespace, pod)
    await lease.acquire()

    watched = Watched()
    events = Events(client, pod)
    worker = Worker(lambda key: controller.handle(key))
    controller = Controller(client, settings, events, worker.enqueue)
    patrol = Patrol(
        client,
        worker.enqueue,
        watched,
        liveness,
        watching=watching,
        namespaces=settings.watch_namespaces,
        relist_seconds=settings.relist_seconds,
    )
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(coroutine, name=name)
        for name, coroutine in {
            "lease": lease.hold(),
            "worker": worker.run(),
            "events": events.run(),
            "patrol": patrol.run(),
            "stop": stop.wait(),
            "watch": handlers.watch(client, worker.enqueue, watched, settings.watch_namespaces, stop),
        }.items()
    ]
    liveness.ready()
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    code = 0 if stop.is_set() else 1
    for task in done:
        _explain(task)
    # Nothing is written once the Lease is free.
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=STOP_SECONDS)
    await lease.release()
    return code


def _explain(task: asyncio.Task[object]) -> None:
    error = None if task.cancelled() else task.exception()
    if isinstance(error, BlindError):
        logger.critical("%s; ending the process to start anew", error)
    elif error is not None:
        logger.critical("%s failed; ending the process to start anew", task.get_name(), exc_info=error)
    elif task.get_name() == "stop":
        logger.info("stopping, as told")
    else:
        logger.critical("%s ended unexpectedly; ending the process to start anew", task.get_name())


def main() -> None:
    """Run the operator; exit with 2 when its settings are wrong."""
    logs.configure()
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        logger.critical("%s", error)
        sys.exit(2)
    code = asyncio.new_event_loop().run_until_complete(run(settings))
    logging.shutdown()
    # Kopf's tasks have nothing to save, and the next operator is waiting.
    os._exit(code)


if __name__ == "__main__":
    main()
