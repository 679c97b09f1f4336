"""The network alone, with all processors and nothing else to do: what no server on this machine can exceed."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from transfermodel_predictor.artifact.names import INT8_MODEL, MODEL
from transfermodel_predictor.artifact.storage import open_store
from transfermodel_predictor.cpus import thread_count
from transfermodel_predictor.inference.session import open_session

from tests.bench.rounds import order
from tests.bench.serving.bench import Bench, Visit
from tests.bench.serving.material import CLASSES, SIZE, Material

PART: Final = "network-alone"
BATCHES: Final = (1, 4)
Run = Callable[[NDArray[np.float32]], Any]
"""Images (N, 3, 224, 224) through a network."""


def measure(bench: Bench) -> Iterator[Visit]:
    """Time every backbone by ONNX Runtime, a session of one thread on each processor, and by torch, taking turns."""
    for architecture in bench.backbones:
        material = bench.material(architecture)
        sides = networks(material)
        for number in range(bench.effort.rounds):
            for side in order(list(sides), number):
                figures = {
                    f"imagesPerSecond{batch}": rate(sides[side], batch, bench.effort.seconds) for batch in BATCHES
                }
                bench.say(f"{PART}, {architecture}, {side}, round {number}: {figures}")
                yield Visit(PART, architecture, side, number, figures)


def networks(material: Material) -> dict[str, list[Run]]:
    """Return for each side what runs at the same time, one on each thread."""
    store = open_store(material.artifact.uri, {})
    sides = {"ours": sessions(store.get(MODEL)), "ours-int8": sessions(store.get(INT8_MODEL))}
    network = torchvision.models.get_model(material.architecture, weights=None, num_classes=CLASSES).eval()
    network.load_state_dict(torch.load(material.weights, weights_only=True))

    def by_torch(images: NDArray[np.float32]) -> None:
        with torch.inference_mode():
            network(torch.from_numpy(images))

    # It divides one batch among its own threads, as it does behind B0.
    return sides | {"b0": [by_torch]}


def sessions(model: bytes) -> list[Run]:
    """Return a session of one thread for each processor, as the predictor's workers use the network."""

    def session() -> Run:
        opened = open_session(model, 1, ["images"])
        return lambda images: opened.logits({"images": images})

    return [session() for _ in range(thread_count())]


def rate(runs: list[Run], batch: int, seconds: float) -> float:
    """Return images per second of all threads together, after a first batch that is not counted."""
    images = np.random.default_rng(0).standard_normal((batch, 3, SIZE, SIZE), np.float32)
    done, spent = [0] * len(runs), [0.0] * len(runs)
    start = threading.Barrier(len(runs))

    def repeat(position: int) -> None:
        runs[position](images)
        start.wait()
        begun = time.perf_counter()
        while (now := time.perf_counter()) < begun + seconds:
            runs[position](images)
            done[position] += batch
        spent[position] = now - begun

    threads = [threading.Thread(target=repeat, args=(position,)) for position in range(len(runs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(count / taken for count, taken in zip(done, spent, strict=True))
