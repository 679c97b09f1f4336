"""Fine-tuning on a GPU against the tutorial's: images per second, peak memory, accuracy.

Ours is the trainer's own FineTuning of everything: bfloat16, channels last, the data on the device. The tutorial learns
in batches of 4, which leave a GPU idle; so it is measured with our batches, too.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transfermodel_operator.api.spec import FineTuning
from transfermodel_trainer.training.device import Device, choose_device

from tests.bench.options import data_option
from tests.bench.training import ours, sources, surroundings, tutorial
from tests.bench.training.material import ALL, Material, MaterialMissing
from tests.bench.training.turns import Effort, Method, Outcome, Turn

NO_CUDA = "There is no CUDA device here: run this on a machine with an NVIDIA GPU and its driver. Nothing was measured."
OURS = "FineTuning, everything"
TARGET = 3.0
"""Images per second of ours over those of the tutorial."""


@dataclass(frozen=True)
class Entry:
    """One method's turn."""

    outcome: Outcome
    peak_bytes: int


def main() -> int:
    """Measure and print; return 1 without a GPU, or without the data set."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.training.gpu", description=__doc__)
    data_option(parser)
    parser.add_argument("--data-set", default="horse-ship-truck", choices=("digits", "horse-ship-truck"))
    parser.add_argument("--batch-size", type=int, default=FineTuning().batch_size, metavar="COUNT")
    parser.add_argument("--seeds", type=int, default=3, metavar="COUNT")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print(NO_CUDA, file=sys.stderr)
        return 1
    device = choose_device(1)
    with tempfile.TemporaryDirectory(prefix="transfermodel-bench-") as folder:
        try:
            material = sources.SOURCES[options.data_set](sources.Places(options.data, Path(folder), device))
        except MaterialMissing as error:
            print(f"{options.data_set} cannot be measured: {error}.", file=sys.stderr)
            return 1
        measured = measure(material, device, Effort(), options.batch_size, options.seeds)
    facts = surroundings.facts(device)
    print(f"{facts['device']}, {facts['processor']}, {facts['threads']} threads, {facts['date']}, {facts['versions']}")
    print(table(measured))
    return 0


def measure(material: Material, device: Device, effort: Effort, batch: int, seeds: int) -> dict[str, list[Entry]]:
    """Let both sides take turns; a round that is not counted comes first, as the first use of a GPU takes seconds."""
    settings = FineTuning(unfreeze="All", batch_size=batch)
    methods: dict[str, tuple[Method, Effort]] = {
        "T0, fine-tuning": (tutorial.fine_tuning, effort),
        f"T0, fine-tuning, batches of {batch}": (tutorial.fine_tuning, replace(effort, tutorial_batch=batch)),
        OURS: (ours.method("FineTuning", settings), effort),
    }
    measured: dict[str, list[Entry]] = {name: [] for name in methods}
    for round_ in range(seeds + 1):
        seed = max(0, round_ - 1)
        for name, (method, how_long) in methods.items():
            torch.manual_seed(seed)
            turn = Turn(material, material.drawn(ALL, seed), seed, device, how_long)
            with its_own_settings(ours_is=name == OURS):
                entry = taken(method, turn)
            if round_ > 0:
                measured[name].append(entry)
    return measured


def taken(method: Method, turn: Turn) -> Entry:
    """Let a method take its turn, and note the most memory that tensors held."""
    if turn.device.cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    outcome = method(turn)
    return Entry(outcome, torch.cuda.max_memory_allocated() if turn.device.cuda else 0)


@contextmanager
def its_own_settings(*, ours_is: bool) -> Iterator[None]:
    """Within, the tutorial computes with torch's defaults instead of those that the trainer has set."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    trainers = cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32
    if not ours_is:
        cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = False, False, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = trainers


def table(measured: dict[str, list[Entry]]) -> str:
    """Return it in Markdown; ratios are of the medians."""
    rates = {name: [entry.outcome.facts["samples_per_second"] for entry in turns] for name, turns in measured.items()}
    lines = [
        "| method | images/s | range | ours over it | peak memory | accuracy | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, turns in measured.items():
        rate = statistics.median(rates[name])
        ratio = statistics.median(rates[OURS]) / rate
        against = "" if name == OURS else f"{ratio:.1f} (wanted >= {TARGET:g})"
        accuracy = statistics.median(entry.outcome.accuracy for entry in turns)
        peak = max(entry.peak_bytes for entry in turns) / 1e6
        lines.append(
            f"| {name} | {rate:.0f} | {min(rates[name]):.0f} to {max(rates[name]):.0f} | {against} | {peak:.0f} MB "
            f"| {accuracy:.3f} | {len(turns)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
