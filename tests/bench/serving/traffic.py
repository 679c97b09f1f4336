"""Predictions under load: how many, how late, at which cost of memory, and whether health is still answered."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.bench.rounds import order
from tests.bench.serving.agreement import disagreement
from tests.bench.serving.bench import Bench, Visit
from tests.bench.serving.load.plan import Plan, Seen
from tests.bench.serving.load.process import run, running
from tests.bench.serving.photographs import LARGE, REAL, USUAL
from tests.bench.serving.servers import CAREFUL, PREDICT, READY, Server, Side, of_kserve, ours, ours_in_int8

PART: Final = "traffic"
PHOTOGRAPHS: Final = "photographs"
CONCURRENCIES: Final = (1, 8, 32)
USUAL_CONCURRENCY: Final = 8
FULL_LOAD: Final = 32
HEALTH_INTERVAL_SECONDS: Final = 0.025
CAREFUL_ROUNDS: Final = 2
"""It has no target: two say enough."""


def measure(bench: Bench) -> Iterator[Visit]:
    """Visit every side with every backbone: start it, load it at each concurrency, end it."""
    bodies = bench.bodies(USUAL)
    for architecture in bench.backbones:
        material = bench.material(architecture)
        sides = [ours(material.artifact), of_kserve(material), of_kserve(material, careful=True)]
        body = Path(bodies[0]).read_bytes()
        difference = agree(bench, sides, body)
        bench.say(f"{PART}, {architecture}: the sides' answers differ by {difference:.2g} at most")
        sides.insert(1, ours_in_int8(material))
        check_int8(bench, sides[0], sides[1], body)
        for number in range(bench.effort.rounds):
            for side in order([side for side in sides if side.name != CAREFUL or number < CAREFUL_ROUNDS], number):
                with side.start(bench.scratch(PART, side.name)) as server:
                    server.first_answer(body)
                    figures = visit(bench, server, bodies, CONCURRENCIES)
                bench.say(told(PART, architecture, side, number, figures))
                yield Visit(PART, architecture, side.name, number, figures)


def measure_photographs(bench: Bench) -> Iterator[Visit]:
    """The same for very small and very large photographs, with the first backbone at one concurrency."""
    material = bench.material(bench.backbones[0])
    for name in (REAL, LARGE):
        bodies = bench.bodies(name)
        sides = [ours(material.artifact), of_kserve(material)]
        agree(bench, sides, Path(bodies[0]).read_bytes())
        for number in range(bench.effort.rounds):
            for side in order(sides, number):
                with side.start(bench.scratch(PHOTOGRAPHS, side.name)) as server:
                    server.first_answer(Path(bodies[0]).read_bytes())
                    figures = visit(bench, server, bodies, (USUAL_CONCURRENCY,))
                bench.say(told(PHOTOGRAPHS, name, side, number, figures))
                yield Visit(PHOTOGRAPHS, name, side.name, number, figures)


def agree(bench: Bench, sides: Sequence[Side], body: bytes) -> float:
    """Return how far the sides' answers to one request are apart. Raises RuntimeError where they are not the same."""
    return disagreement({side.name: _answer(bench, side, body) for side in sides})


def check_int8(bench: Bench, float32: Side, int8: Side, body: bytes) -> None:
    """Raise RuntimeError where Int8 gives the very answer of Float32: it would be measured as what it is not."""
    if _answer(bench, float32, body) == _answer(bench, int8, body):
        raise RuntimeError(
            "With Int8 the predictor answers exactly as with Float32: it does not serve the other graph."
        )


def _answer(bench: Bench, side: Side, body: bytes) -> bytes:
    with side.start(bench.scratch("agreement", side.name)) as server:
        server.first_answer(body)
        return server.answer(body)[1]


def visit(bench: Bench, server: Server, bodies: tuple[str, ...], concurrencies: Sequence[int]) -> dict[str, float]:
    """Load a server that is ready, and return the figures.

    Raises:
        RuntimeError: at one concurrency it answered nothing.
    """
    effort = bench.effort
    figures = {"residentLoadedMegabytes": server.memory().resident}
    failed, share = 0, 0.0
    for concurrency in concurrencies:
        plan = Plan(
            server.port,
            PREDICT,
            bodies,
            connections=concurrency,
            seconds=effort.seconds,
            warm_up_seconds=effort.warm_up_seconds,
        )
        seen, health = both(plan, server) if concurrency == FULL_LOAD else (run(plan), None)
        check_answered(seen, f"At concurrency {concurrency}")
        figures |= {
            f"requestsPerSecond{concurrency}": seen.rate,
            f"p50Milliseconds{concurrency}": seen.percentile(0.5) * 1e3,
            f"p99Milliseconds{concurrency}": seen.percentile(0.99) * 1e3,
        }
        failed, share = failed + seen.failed, max(share, seen.processor_share)
        if health is not None:
            failed += health.failed
            slowest = health.percentile(0.99) if health.latencies else plan.timeout_seconds
            figures["healthP99Milliseconds"] = slowest * 1e3
    after = server.memory()
    figures |= {"residentMegabytes": after.resident, "proportionalMegabytes": after.proportional}
    return figures | {"failed": failed, "generatorShare": share}


def check_answered(seen: Seen, what: str) -> None:
    """Raise RuntimeError where there is nothing to divide by."""
    if not seen.answered or not seen.latencies:
        others = ", ".join(f"{count} {failure}" for failure, count in seen.failures.items()) or "none failed"
        raise RuntimeError(
            f"{what} nothing was answered within {seen.seconds:g} s ({others}) {seen.said}: measure longer "
            "(--seconds), or look at what the server says."
        )


def both(plan: Plan, server: Server) -> tuple[Seen, Seen]:
    """Load a server, and look after its health by the clock meanwhile, from another process."""
    looking = Plan(
        server.port,
        READY,
        seconds=plan.seconds,
        warm_up_seconds=plan.warm_up_seconds,
        interval_seconds=HEALTH_INTERVAL_SECONDS,
    )
    with running(plan) as load, running(looking) as health:
        return load.seen(), health.seen()


def told(part: str, subject: str, side: Side, number: int, figures: dict[str, float]) -> str:
    """Return a line for people."""
    rates = ", ".join(f"{figures[key]:.1f}" for key in figures if key.startswith("requestsPerSecond"))
    return (
        f"{part}, {subject}, {side.name}, round {number}: {rates} requests/s, {figures['residentMegabytes']:.0f} MB, "
        f"{figures['failed']:.0f} failed"
    )
