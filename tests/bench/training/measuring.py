"""The turns, in an order in which both sides see the same machine."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from transfermodel_trainer.training.device import Device

from tests.bench.rounds import order
from tests.bench.training.material import Material, Size
from tests.bench.training.methods import METHODS, applies, seeds_of
from tests.bench.training.turns import Effort, Outcome, Turn


@dataclass(frozen=True)
class Cell:
    """What is measured: one method on so many samples of a data set."""

    data_set: str
    size: Size
    method: str

    def __str__(self) -> str:
        """Return it for people."""
        return f"{self.data_set}, {self.size if self.size == 'all' else f'{self.size} a class'}, {self.method}"


@dataclass(frozen=True)
class Measured:
    """One turn and what came of it."""

    cell: Cell
    seed: int
    outcome: Outcome


def measure(
    material: Material,
    sizes: Sequence[Size],
    methods: Sequence[str] | None,
    seeds: int,
    device: Device,
    effort: Effort,
    say: Callable[[str], None],
) -> Iterator[Measured]:
    """Let every method take its turn once per seed and size, all of one seed after each other.

    Args:
        material: the data set.
        sizes: how many samples to learn from.
        methods: those that were asked for; None: all whose turns are not too long.
        seeds: turns of each.
        device: where to compute.
        effort: how long the baselines learn.
        say: prints a line.
    """
    for size in sizes:
        named = methods is not None
        taking_part = [method for method in methods or METHODS if applies(method, material, size, named=named)]
        for seed in range(seeds):
            train = material.drawn(size, seed)
            for method in order(taking_part, seed):
                if seed >= seeds_of(material.name, size, method, seeds):
                    continue
                cell = Cell(material.name, size, method)
                begun = time.perf_counter()
                torch.manual_seed(seed)
                outcome = METHODS[method].run(Turn(material, train, seed, device, effort))
                say(
                    f"{cell}, seed {seed}: {outcome.accuracy:.4f} in {outcome.seconds:.2f} s "
                    f"({time.perf_counter() - begun:.0f} s in all)"
                )
                yield Measured(cell, seed, outcome)
