"""From exec to the first prediction: whole processes, one at a time, everything they read in the page cache."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.rounds import order
from tests.bench.serving.bench import Bench, Visit
from tests.bench.serving.photographs import USUAL
from tests.bench.serving.servers import Side, of_kserve, ours

PART: Final = "cold-start"


def measure(bench: Bench) -> Iterator[Visit]:
    """Start both sides in turns; a round before the first fills the page cache and is not counted."""
    body = Path(bench.bodies(USUAL)[0]).read_bytes()
    for architecture in bench.backbones:
        material = bench.material(architecture)
        sides = [of_kserve(material), ours(material.artifact)]
        for side in sides:
            _start(bench, side, body)
        for number in range(bench.effort.starts):
            for side in order(sides, number):
                seconds = _start(bench, side, body)
                bench.say(f"{PART}, {architecture}, {side.name}, round {number}: {seconds:.3f} s")
                yield Visit(PART, architecture, side.name, number, {"firstPredictionSeconds": seconds})


def _start(bench: Bench, side: Side, body: bytes) -> float:
    with side.start(bench.scratch(PART, side.name)) as server:
        return server.first_answer(body)
