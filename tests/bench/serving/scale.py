"""From zero pods to the answer, through the devcluster's ingress: both sides as InferenceServices.

Knative takes a while to let a pod go: several services of each side sleep, and the one that is asked has slept.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from tests.bench.rounds import order
from tests.bench.serving import baseline_image, sleepers
from tests.bench.serving.bench import BURST, Bench, NotHere, Visit
from tests.bench.serving.load.plan import Plan
from tests.bench.serving.load.process import run
from tests.bench.serving.photographs import USUAL
from tests.bench.serving.sleepers import Sleeper, wait_asleep
from tests.support.stack import Stack, Workspace

PART: Final = "scale-from-zero"
BURSTS: Final = "scale-from-zero-bursts"
OF_EACH: Final = 3
TIMEOUT_SECONDS: Final = 120.0
PAUSE_SECONDS: Final = 0.05


def measure(bench: Bench) -> Iterator[Visit]:
    """Wake both sides in turns, one request each; then ours by many at once.

    Raises:
        NotHere: there is no cluster, or no image of the trainer.
    """
    try:
        stack = Stack.discover()
    except RuntimeError as error:
        raise NotHere("there is no cluster (make cluster-up images deploy)") from error
    weights = {architecture: bench.material(architecture).weights for architecture in bench.backbones}
    image = baseline_image.ensure(weights, bench.scratch("image"))
    bodies = bench.bodies(USUAL)
    with stack.workspace("bench") as workspace:
        for architecture in bench.backbones:
            sides = prepare(workspace, architecture, image, of_each=min(OF_EACH, bench.effort.wakes))
            bench.say(f"{PART}, {architecture}: {', '.join(each.name for side in sides for each in side)} are there")
            yield from wakes(bench, workspace, architecture, sides, Path(bodies[0]).read_bytes())
            if architecture == bench.backbones[0]:
                yield from bursts(bench, workspace, architecture, sides, bodies)
            delete(workspace, [each.name for side in sides for each in side])


def prepare(workspace: Workspace, architecture: str, image: str, of_each: int) -> list[list[Sleeper]]:
    """Return the sleepers of ours and of the baseline."""
    service = sleepers.train(workspace, architecture)
    ours = [f"{architecture}-ours-{number}" for number in range(of_each)]
    theirs = [f"{architecture}-b0-{number}" for number in range(of_each)]
    return [
        [sleepers.create(workspace, "ours", sleepers.like(service, name)) for name in ours],
        [sleepers.create(workspace, "b0", sleepers.baseline(service, name, image, architecture)) for name in theirs],
    ]


def wakes(
    bench: Bench, workspace: Workspace, architecture: str, sides: list[list[Sleeper]], body: bytes
) -> Iterator[Visit]:
    """Wake each side so many times."""
    every = [architecture, *(sleeper.name for side in sides for sleeper in side)]
    turns = count()
    for number in range(bench.effort.wakes):
        for side in order(sides, number):
            sleeper = side[number % len(side)]
            wait_asleep(workspace, every, sleeper.name)
            seconds, failed = wake(workspace, sleeper, body)
            bench.say(f"{PART}, {architecture}, {sleeper.name}, wake {next(turns)}: {seconds:.2f} s, {failed} failed")
            yield Visit(PART, architecture, sleeper.side, number, {"seconds": seconds, "failed": failed})


def wake(workspace: Workspace, sleeper: Sleeper, body: bytes) -> tuple[float, int]:
    """Return the seconds to the first answer with 200, and how many requests got another one before."""
    begun = time.perf_counter()
    failed = 0
    headers = {"Host": sleeper.host, "Content-Type": "application/json"}
    with httpx.Client(base_url=workspace.stack.ingress, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        while time.perf_counter() - begun < TIMEOUT_SECONDS:
            with suppress(httpx.TransportError):
                if client.post(sleeper.path, content=body, headers=headers).status_code == httpx.codes.OK:
                    return time.perf_counter() - begun, failed
            failed += 1
            time.sleep(PAUSE_SECONDS)
    raise RuntimeError(f"{sleeper.name} did not answer within {TIMEOUT_SECONDS:.0f} s; {failed} requests failed")


def bursts(
    bench: Bench, workspace: Workspace, architecture: str, sides: list[list[Sleeper]], bodies: tuple[str, ...]
) -> Iterator[Visit]:
    """Wake each side by many requests at once: none may be lost."""
    ingress = urlsplit(workspace.stack.ingress)
    every = [sleeper.name for side in sides for sleeper in side]
    for number in range(bench.effort.bursts):
        for side in order(sides, number):
            sleeper = side[number % len(side)]
            wait_asleep(workspace, every, sleeper.name)
            # Every connection asks once: the last of them has begun when the first could ask again.
            plan = Plan(
                ingress.port or 80,
                sleeper.path,
                bodies,
                host=ingress.hostname or "",
                headers={"Host": sleeper.host},
                connections=BURST,
                most=BURST,
                seconds=1.0,
                warm_up_seconds=0.0,
                timeout_seconds=TIMEOUT_SECONDS,
            )
            seen = run(plan)
            answered = seen.sent - seen.failed
            bench.say(f"{BURSTS}, {architecture}, {sleeper.name}: {answered} of {seen.sent} answered {seen.failures}")
            yield Visit(
                BURSTS,
                architecture,
                sleeper.side,
                number,
                {
                    "sent": float(seen.sent),
                    "answered": float(answered),
                    "answeredShare": answered / seen.sent,
                    "lastSeconds": seen.percentile(1.0) if seen.latencies else TIMEOUT_SECONDS,
                },
            )


def delete(workspace: Workspace, names: list[str]) -> None:
    """Remove InferenceServices and wait for their pods to go, so that the next backbone has the machine."""
    workspace.stack.kubectl("delete", "isvc", *names, "-n", workspace.namespace)
    wait_asleep(workspace, names)
