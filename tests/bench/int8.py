"""What ways there are to 8-bit integers, and what each costs: `python -m tests.bench.int8 ARTIFACT [SAMPLES …]`.

ARTIFACT is the folder of a published model of images, texts or recordings. SAMPLES are files, one to a sample; of texts
one to a line. The first 200 calibrate, the rest are labelled by both graphs. With ARCHITECTURE:SIZE, such as
resnet50:224, weights and samples are random, and only times mean anything. Times are processor time of one thread, so
that what else the machine does changes little.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.inference.pipelines import NEEDED_FILES, pipeline_of
from transfermodel_predictor.inference.session import Session, open_session
from transfermodel_trainer.publishing.quantisation import quantise

CALIBRATION: Final = 200
SECONDS: Final = 3.0
WAYS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Static": {"method": "Static"},
    "Static, weights of 8 bits": {"method": "Static", "weight_bits": 8},
    "Static, signed activations": {"method": "Static", "signed_activations": True},
    "Dynamic": {"method": "Dynamic"},
    "Dynamic, weights of 8 bits": {"method": "Dynamic", "weight_bits": 8},
}
Feeds = Callable[[NDArray[Any]], Mapping[str, NDArray[Any]]]


def random_network(architecture: str, size: int, folder: Path) -> tuple[Path, Feeds, NDArray[Any], tuple[str, ...]]:
    """Return the graph's file, what feeds it, samples, and the names of its inputs."""
    import torch
    from transfermodel_trainer.backbones.load import image_network
    from transfermodel_trainer.publishing.export import export_onnx

    torch.manual_seed(0)
    network = image_network(f"torchvision/{architecture}", size, 3).eval()
    export_onnx(network, {"images": network.example(2)[0]}, folder / "model.onnx")
    rows = np.random.default_rng(0).standard_normal((CALIBRATION, 3, size, size)).astype(np.float32)
    return folder / "model.onnx", lambda rows: {"images": rows}, rows, ("images",)


def published(artifact: Path, names: list[str]) -> tuple[Path, Feeds, NDArray[Any], tuple[str, ...]]:
    """Return the same of a published model and files, in an order that a seed decides."""
    description = ModelDescription.from_json((artifact / "model.json").read_bytes())
    modality = description.preprocessing.modality
    files = {name: (artifact / name).read_bytes() for name in NEEDED_FILES[modality]}
    pipeline = pipeline_of(description.preprocessing, files)
    contents = [Path(name).read_bytes() for name in names]
    if modality == "Text":
        contents = [line for content in contents for line in content.splitlines() if line.strip()]
    order = np.random.default_rng(0).permutation(len(contents))
    rows = np.stack([pipeline.row(pipeline.decode(contents[index])) for index in order])
    return artifact / "model.onnx", pipeline.feeds, rows, description.signature.inputs


def batched(rows: NDArray[Any], feeds: Feeds, size: int) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Yield batches of the graph's inputs."""
    for start in range(0, len(rows), size):
        yield feeds(rows[start : start + size])


def labels(session: Session, rows: NDArray[Any], feeds: Feeds) -> NDArray[Any]:
    """Return what a graph takes samples for."""
    return np.concatenate([session.logits(batch).argmax(1) for batch in batched(rows, feeds, 16)])


def gain(slow: Session, fast: Session, feeds: Mapping[str, NDArray[Any]]) -> float:
    """Return how many times as fast a session is as another, in turn."""
    spent: tuple[list[float], list[float]] = ([], [])
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        for times, session in zip(spent, (slow, fast), strict=True):
            begun = time.process_time()
            session.logits(feeds)
            times.append(time.process_time() - begun)
    return median(spent[0][1:]) / median(spent[1][1:])


def main(what: str, names: list[str]) -> None:
    """Print a row of a table for each way."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        architecture, _, size = what.partition(":")
        if size:
            model, feeds, rows, inputs = random_network(architecture, int(size), folder)
        else:
            model, feeds, rows, inputs = published(Path(what), names)
        float32, judged = open_session(model, 1, inputs), rows[CALIBRATION:]
        expected = labels(float32, judged, feeds) if len(judged) else None
        print("| way | batch 1 | batch 8 | same label | size | made in |\n|---|---|---|---|---|---|")
        for name, way in WAYS.items():
            begun = time.process_time()
            graph = quantise(model, batched(rows[:CALIBRATION], feeds, 8), folder, 1, **way)
            seconds = time.process_time() - begun
            session = open_session(graph, 1, inputs)
            gains = [gain(float32, session, feeds(rows[:count])) for count in (1, 8)]
            same = "" if expected is None else f"{(labels(session, judged, feeds) == expected).mean():.1%}"
            megabytes = len(graph) / 1e6
            print(f"| {name} | x {gains[0]:.1f} | x {gains[1]:.1f} | {same} | {megabytes:.0f} MB | {seconds:.1f} s |")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
