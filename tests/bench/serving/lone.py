"""What batching costs a request that comes alone: the same predictor with it and without, both up, in short turns."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.bench.rounds import order
from tests.bench.serving.bench import Bench, Visit
from tests.bench.serving.load.plan import Plan
from tests.bench.serving.load.process import run
from tests.bench.serving.photographs import USUAL
from tests.bench.serving.servers import PREDICT, ours
from tests.bench.serving.traffic import check_answered

PART: Final = "lone-request"
TURNS_A_ROUND: Final = 2
WITHOUT_BATCHING: Final = {"TRANSFERMODEL_MAX_BATCH_SIZE": "1"}


def measure(bench: Bench) -> Iterator[Visit]:
    """Ask both over one connection each, one after the other."""
    effort, bodies = bench.effort, bench.bodies(USUAL)
    for architecture in bench.backbones:
        artifact = bench.material(architecture).artifact
        sides = [
            ours(artifact, "batching", "batching, as by default"),
            ours(artifact, "no-batching", "no batching", WITHOUT_BATCHING),
        ]
        with ExitStack() as stack:
            servers = {side: stack.enter_context(side.start(bench.scratch(PART, side.name))) for side in sides}
            for server in servers.values():
                server.first_answer(Path(bodies[0]).read_bytes())
            for number in range(effort.rounds * TURNS_A_ROUND):
                for side in order(sides, number):
                    plan = Plan(
                        servers[side].port,
                        PREDICT,
                        bodies,
                        seconds=effort.seconds / TURNS_A_ROUND,
                        warm_up_seconds=effort.warm_up_seconds / TURNS_A_ROUND,
                    )
                    seen = run(plan)
                    check_answered(seen, f"With {side.title}")
                    figures = {"p50Milliseconds": seen.percentile(0.5) * 1e3, "failed": float(seen.failed)}
                    bench.say(
                        f"{PART}, {architecture}, {side.name}, round {number}: {figures['p50Milliseconds']:.2f} ms"
                    )
                    yield Visit(PART, architecture, side.name, number, figures)
