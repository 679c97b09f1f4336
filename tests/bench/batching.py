"""Whether batches pay, and threads that wait their turn: the network alone, and the whole predictor, sides in turns.

`python -m tests.bench.batching [--rounds N] [--seconds S]`; ResNet-18 with random weights at 64 and 224 pixels, asked
about JPEGs of 640 x 480, and all-MiniLM-L6-v2, asked about sentences. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from base64 import b64encode
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from transfermodel_operator.api import RunRequest
from transfermodel_predictor.artifact.description import TextPreprocessing
from transfermodel_predictor.inference.session import open_session
from transfermodel_trainer.backbones.load import plan
from transfermodel_trainer.publishing.export import export_onnx

from tests.bench.rounds import order
from tests.bench.serving.load.plan import Plan
from tests.bench.serving.load.process import run
from tests.bench.serving.photographs import COUNT, MADE, USUAL, made
from tests.support import minilm
from tests.support.colours import describe, write_artifact
from tests.support.predictor_process import MODEL, PredictorProcess, predictor
from tests.support.predictor_texts import describe_texts

BATCHES: Final = (1, 2, 4, 8, 16)
CONCURRENCIES: Final = (1, 8, 32)
PROGRAM: Final = ("-m", "transfermodel_predictor")
INTERRUPTING: Final = (
    "-c",
    "import os, runpy; del os.sched_getscheduler; runpy.run_module('transfermodel_predictor', run_name='__main__')",
)
"""The same where there are no policies of the scheduler: what computes takes the processors from what answers."""
SENTENCE_TOKENS: Final = (8, 32, 128)
SENTENCE: Final = "the film was good or bad a long story of love and war in which nobody wins but everyone learns"


@dataclass(frozen=True)
class Side:
    """One way to run the predictor."""

    environment: dict[str, str]
    program: tuple[str, ...] = PROGRAM
    """What Python runs."""


SIDES: Final = {
    "batches": Side({}),
    "each alone": Side({"TRANSFERMODEL_MAX_BATCH_SIZE": "1"}),
    "batches, interrupting": Side({}, INTERRUPTING),
}


@dataclass(frozen=True)
class Subject:
    """A model, and what it is asked."""

    name: str
    folder: Path
    digest: str
    instances: list[Any]
    feeds: dict[str, dict[str, NDArray[Any]]]
    """The network's inputs for one sample, by a name for its size."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.batching", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of requests in each round, at each concurrency")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    with tempfile.TemporaryDirectory() as name:
        subjects = [images(Path(name), 64), images(Path(name), 224), sentences(Path(name))]
        print(f"\n| one thread: milliseconds of a processor per sample | {' | '.join(map(str, BATCHES))} |")
        for subject in subjects:
            network_alone(subject)
        print(
            "\n| requests per second, median (p99 in ms) | " + " | ".join(f"{c} clients" for c in CONCURRENCIES) + " |"
        )
        for subject in subjects:
            whole_predictor(subject, Path(name), options.rounds, options.seconds)


def images(root: Path, size: int) -> Subject:
    """Return ResNet-18 for images of size x size pixels."""
    folder = root / f"resnet18-{size}"
    network = torchvision.models.resnet18(num_classes=10)
    export_onnx(network, {"images": torch.zeros(2, 3, size, size)}, root / "model.onnx")
    labels = tuple(f"class {index}" for index in range(10))
    digest = write_artifact(folder, (root / "model.onnx").read_bytes(), describe(labels, size).to_json())
    files = [made(*MADE[USUAL], seed) for seed in range(COUNT[USUAL])]
    instances = [{"image": {"b64": b64encode(file).decode()}} for file in files]
    pixels = np.zeros((1, 3, size, size), np.float32)
    return Subject(f"ResNet-18, {size} pixels", folder, digest, instances, {"": {"images": pixels}})


def sentences(root: Path) -> Subject:
    """Return all-MiniLM-L6-v2 for two labels."""
    folder = root / "minilm"
    wire = {
        "run": "0",
        "namespace": "bench",
        "name": "minilm",
        "task": "TextClassification",
        "backbone": {
            "name": "sentence-transformers/all-MiniLM-L6-v2",
            "weights": {"uri": f"file://{minilm.folder()}"},
        },
        "data": {"train": {"uri": "file:///nowhere"}},
        "training": {"strategy": "FeatureExtraction"},
        "outputUri": "file:///nowhere",
    }
    loaded = plan(RunRequest.model_validate_json(json.dumps(wire)), {}, root, root).load(2)
    example = {"input_ids": torch.full((2, 16), 77), "attention_mask": torch.ones(2, 16, dtype=torch.long)}
    export_onnx(loaded.network, example, root / "model.onnx", {0: "batch", 1: "length"})
    assert isinstance(loaded.preprocessing, TextPreprocessing)
    described = msgspec.structs.replace(describe_texts(), preprocessing=loaded.preprocessing)
    digest = write_artifact(folder, (root / "model.onnx").read_bytes(), described.to_json(), loaded.files)
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(SENTENCE.split(), count)) for count in generator.integers(4, 30, 24)]
    feeds = {
        f", {length} tokens": {"input_ids": np.full((1, length), 77), "attention_mask": np.ones((1, length), np.int64)}
        for length in SENTENCE_TOKENS
    }
    return Subject("MiniLM", folder, digest, [{"text": text} for text in texts], feeds)


def network_alone(subject: Subject, seconds: float = 0.8) -> None:
    """Print the processor's time for one sample, by the batch's size: the smallest of all calls."""
    for size, feeds in subject.feeds.items():
        session = open_session((subject.folder / "model.onnx").read_bytes(), 1, tuple(feeds))
        cells = []
        for batch in BATCHES:
            inputs = {name: np.repeat(value, batch, axis=0) for name, value in feeds.items()}
            took: list[float] = []
            end = time.perf_counter() + seconds
            while time.perf_counter() < end or len(took) < 3:
                begun = time.thread_time()
                session.logits(inputs)
                took.append((time.thread_time() - begun) / batch)
            cells.append(f"{min(took) * 1e3:.1f}")
        print(f"| {subject.name}{size} | {' | '.join(cells)} |", flush=True)


def whole_predictor(subject: Subject, root: Path, rounds: int, seconds: float) -> None:
    """Load the sides in turns, and print what they answered."""
    bodies = []
    for number, instance in enumerate(subject.instances):
        bodies.append(root / f"body-{number}.json")
        bodies[-1].write_text(json.dumps({"instances": [instance]}))
    seen: dict[tuple[str, int], list[tuple[float, float]]] = {}
    with ExitStack() as stack:
        servers: dict[str, PredictorProcess] = {}
        for name, chosen in SIDES.items():
            logs = root / f"logs {name}"
            logs.mkdir(exist_ok=True)
            uri = subject.folder.as_uri()
            servers[name] = stack.enter_context(
                predictor(uri, subject.digest, logs, chosen.environment, chosen.program)
            )
            servers[name].wait_ready()
        for concurrency in CONCURRENCIES:
            for number in range(rounds):
                for side in order(tuple(SIDES), number):
                    plan = Plan(
                        servers[side].client.base_url.port or 0,
                        f"/v1/models/{MODEL}:predict",
                        tuple(map(str, bodies)),
                        connections=concurrency,
                        seconds=seconds,
                        warm_up_seconds=0.4,
                    )
                    answered = run(plan)
                    assert not answered.failed, answered.failures
                    seen.setdefault((side, concurrency), []).append((answered.rate, answered.percentile(0.99) * 1e3))
    for side in SIDES:
        cells = []
        for concurrency in CONCURRENCIES:
            rates, latest = zip(*seen[side, concurrency], strict=True)
            cells.append(f"{statistics.median(rates):.0f} ({statistics.median(latest):.0f})")
        print(f"| {subject.name}, {side} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
