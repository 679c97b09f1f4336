"""How long the parts of a run take on this machine, and how much memory they hold: measured, then extrapolated."""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.spec import FineTuning
from transfermodel_predictor.artifact.description import GRAPH_INPUTS
from transfermodel_predictor.inference.session import open_session

from transfermodel_trainer import machine
from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.decode import IN_MEMORY_BYTES
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.evaluation.samples_curve import (
    FEW,
    MOST_WORK,
    REPETITIONS,
    REPETITIONS_OF_FEW,
    sizes,
    work_of,
)
from transfermodel_trainer.evaluation.served import SCORED_SAMPLES
from transfermodel_trainer.planning.estimate import Counts, Estimate
from transfermodel_trainer.planning.loading import load
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.publishing.export import export_onnx
from transfermodel_trainer.training.device import Device, choose_device
from transfermodel_trainer.training.feeds import Feed, feed_of
from transfermodel_trainer.training.finetuning import LEAST_JUDGED, fine_tune, steps_per_epoch
from transfermodel_trainer.training.inference import compute_features
from transfermodel_trainer.training.probe import FLIP_SAMPLES
from transfermodel_trainer.training.ridge import fit_ridge

FORWARD_SECONDS: Final = 2.0
"""For timing the forward pass."""
BACKWARD_SECONDS: Final = 4.0
"""For timing training steps, and as much for the first one, which is not counted."""
BACKWARD_COST: Final = 3.0
"""Of a forward pass: only to choose how much of a batch fits into the time; what is reported is measured."""
MOST_REPETITIONS: Final = 20
EXPORT_SECONDS: Final = 10.0
"""Later than this after the start nothing is exported to see how long it takes."""
RIDGE_ROWS: Final = 2_000


@dataclass
class Bench:
    """The network of a run on its device."""

    backbone: LoadedBackbone
    feed: Feed
    device: Device
    classes: int

    @property
    def network(self) -> Network:
        """Return the network."""
        return self.backbone.network

    def images(self, count: int) -> Samples:
        """Return random images: how long they take does not depend on what they show."""
        size = self.network.size
        pixels = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8)
        names = [str(number) for number in range(count)]
        return Samples(pixels, torch.arange(count) % self.classes, names, names, list(range(count)))


def estimate(
    request: RunRequest, counts: Counts, environment: Mapping[str, str], folder: Path, import_seconds: float
) -> Estimate:
    """Return what a run would take.

    Args:
        request: the run.
        counts: its samples.
        environment: holds the credentials.
        folder: for temporary files.
        import_seconds: what importing torch took this process.

    Raises:
        RunError: what would end the run before it learned anything.
    """
    started = time.monotonic()
    device = choose_device(request.gpus)
    torch.manual_seed(request.training.seed)
    backbone, download = load(request, counts.classes, environment, folder)
    feed = feed_of(backbone.preprocessing, device.torch)
    backbone.network.to(device.torch).to(memory_format=feed.memory_format)
    bench = Bench(backbone, feed, device, counts.classes)
    loading = time.monotonic() - started
    tuning = request.training.fine_tuning or FineTuning()
    fine_tuned = request.training.strategy == "FineTuning"

    forward, forward_batch = time_forward(bench)
    base_memory = peak_memory()
    learning, validation = split_sizes(request, counts)
    test = counts.test or 0
    seconds: dict[str, float] = {"Data": import_seconds + (counts.data_seconds or 0.0), "Backbone": loading}
    measured = f"{forward_batch} images ran forward"
    step_memory = 0
    if fine_tuned:
        per_image, batch, per_sample = time_training(bench, tuning, forward)
        step_memory = round(per_sample * tuning.batch_size)
        steps = steps_per_epoch(learning, tuning.batch_size)
        judged = min(validation, max(LEAST_JUDGED, learning // 2))
        epoch = min(steps * tuning.batch_size, max(learning, 2)) * per_image + judged * forward
        # A solved head comes first where there are features to solve it on.
        seconds["Features"] = (learning * forward + ridge_seconds(bench, learning, 1)) if backbone.pretrained else 0.0
        seconds["Training"] = tuning.epochs * epoch
        seconds["Evaluation"] = (2 * validation + test) * forward
        measured += f", batches of {batch} forward and backward"
    else:
        views = 2 if learning <= FLIP_SAMPLES else 1
        ridge = ridge_seconds(bench, learning, 1)
        solving = ridge + (ridge_seconds(bench, learning, 2) if views == 2 else 0.0)
        seconds["Features"] = views * learning * forward + solving
        curve = curve_seconds(bench, learning, test or validation, views, ridge)
        seconds["Evaluation"] = (validation + test) * forward + curve
    exporting = None
    if import_seconds + time.monotonic() - started < EXPORT_SECONDS:
        exporting = time_export(bench, folder)
        measured += " and the network was exported"
    scored = min(SCORED_SAMPLES, test or validation or learning)
    # The headline's samples are judged twice more: by torch, and by the served graph.
    seconds["Publishing"] = 2 * scored * forward + (exporting or 0.0)
    seconds["total"] = sum(seconds.values())
    unknown = [] if exporting is not None else ["exporting the network"]
    if counts.data_seconds is None:
        unknown.insert(0, "downloading and decoding the data")
    return Estimate(
        device=device.name,
        threads=torch.get_num_threads(),
        architecture=backbone.name,
        input_size=bench.network.size,
        parameters=sum(weight.numel() for weight in bench.network.parameters()),
        learning_parameters=sum(weight.numel() for weight in bench.network.parameters() if weight.requires_grad)
        if fine_tuned
        else bench.network.head.weight.numel() + bench.network.head.bias.numel(),
        seconds={phase: round(value, 1) for phase, value in seconds.items()},
        memory_bytes=base_memory + step_memory + held_bytes(bench, counts, 0 if fine_tuned else learning),
        gpu_memory_bytes=torch.cuda.max_memory_allocated() if device.cuda else None,
        download=download,
        measured=f"{measured} at {bench.network.size} x {bench.network.size} pixels",
        unknown=unknown,
    )


def split_sizes(request: RunRequest, counts: Counts) -> tuple[int, int]:
    """Return how many samples are learned from and how many are for validation."""
    if counts.validation is not None or request.training.strategy != "FineTuning":
        return counts.train, counts.validation or 0
    held = round(counts.train * float(request.data.validation_fraction))
    return counts.train - held, held


def time_forward(bench: Bench) -> tuple[float, int]:
    """Return the seconds that an image takes in the run's own batches, and how many images were timed."""
    size = bench.feed.batch_size()
    images = bench.images(size)

    def compute() -> object:
        return compute_features(bench.network, images, bench.feed)

    first = timed(compute)  # it also allocates, and chooses how to compute
    repetitions = max(1, min(MOST_REPETITIONS, int(FORWARD_SECONDS / max(first, 1e-4))))
    seconds = [timed(compute) for _ in range(repetitions)]
    return sum(seconds) / len(seconds) / size, size


def time_training(bench: Bench, tuning: FineTuning, forward: float) -> tuple[float, int, float]:
    """Return the seconds that an image takes in a training step, the batch that was timed, and bytes per image."""
    # A part of a batch would cost more per image: so a whole one, unless it took too long.
    fits = int(BACKWARD_SECONDS / (BACKWARD_COST * forward))
    batch = max(2, min(tuning.batch_size, fits))
    settings = tuning.model_copy(update={"epochs": 1, "batch_size": batch})
    before = peak_memory()

    def train(steps: int) -> float:
        images = bench.images(batch * steps)
        quiet = Progress(quiet=True)
        return timed(lambda: fine_tune(bench.network, images, bench.feed, bench.device, settings, 0, quiet))

    first = train(1)
    steps = max(1, min(MOST_REPETITIONS, int(BACKWARD_SECONDS / max(first, 1e-4))))
    return train(steps) / (batch * steps), batch, max(0, peak_memory() - before) / batch


def ridge_seconds(bench: Bench, samples: int, views: int) -> float:
    """Return what solving the head takes: timed on at most so many rows, then by its number of operations."""
    width = bench.network.width
    timed_samples = max(2, min(samples, RIDGE_ROWS // views))
    features = torch.randn(views, timed_samples, width)
    classes = torch.arange(timed_samples) % bench.classes
    seconds = timed(lambda: fit_ridge(features, classes, bench.classes))
    return seconds * _solving(bench, views, samples) / _solving(bench, views, timed_samples)


def _solving(bench: Bench, views: int, samples: int) -> float:
    """Return roughly how many operations solving the head takes."""
    return work_of((views, samples, bench.network.width), samples, bench.classes, 0)


def curve_seconds(bench: Bench, samples: int, judged: int, views: int, ridge: float) -> float:
    """Return what the curve over samples per class takes: its operations at the speed at which the head is solved.

    Args:
        bench: the network.
        samples: that are learned from.
        judged: held-out samples.
        views: of each sample.
        ridge: seconds that solving the head on one view of all samples takes.
    """
    width, each = bench.network.width, round(samples / bench.classes)
    speed = _solving(bench, 1, samples) / max(ridge, 1e-3)
    work = 0.0
    for size in sizes(each if judged else each // 2 + 1):
        repetitions = REPETITIONS_OF_FEW if size <= FEW else REPETITIONS
        point = repetitions * work_of((views, samples, width), size * bench.classes, bench.classes, judged)
        if work + point > MOST_WORK:
            break
        work += point
    return work / speed


def time_export(bench: Bench, folder: Path) -> float:
    """Return what making the served graph and opening it takes."""

    def export() -> None:
        model = export_onnx(bench.network, {"images": bench.network.example(2)[0]}, folder / "model.onnx")
        open_session(model, machine.threads(), GRAPH_INPUTS["Image"])

    return timed(export)


def held_bytes(bench: Bench, counts: Counts, learning: int) -> int:
    """Return what pixels and features hold beside the network; many pixels lie in a file instead."""
    size = bench.network.size
    pixels = [count * 3 * size * size for count in (counts.train, counts.validation or 0, counts.test or 0)]
    # Decoded pixels are copied once where a part of them is held out.
    in_memory = 2 * sum(each for each in pixels if each <= IN_MEMORY_BYTES)
    # Two views, in double precision while the head is solved, and standardised.
    return in_memory + 4 * learning * bench.network.width * 8


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_memory() -> int:
    """Return the most memory that this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
