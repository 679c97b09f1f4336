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
from transfermodel_predictor.artifact.description import GRAPH_INPUTS, ImagePreprocessing, TextPreprocessing
from transfermodel_predictor.inference.session import open_session

from transfermodel_trainer import machine
from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.decode import IN_MEMORY_BYTES
from transfermodel_trainer.data.nouns import nouns
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
from transfermodel_trainer.planning.trials import head_seconds, search_seconds
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.publishing.export import export_onnx
from transfermodel_trainer.strategies.usual import Plan, usual_plan
from transfermodel_trainer.training.batches import steps_per_epoch
from transfermodel_trainer.training.device import Device, choose_device
from transfermodel_trainer.training.feeds import Feed, feed_of
from transfermodel_trainer.training.finetuning import LEAST_JUDGED, fine_tune
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
TOKENS: Final = 32
"""Of the texts that are timed: a sentence or two."""


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

    def samples(self, count: int) -> Samples:
        """Return samples: how long they take does not depend on what they hold, but for a text's length."""
        settled, names = self.backbone.preprocessing, [str(number) for number in range(count)]
        if isinstance(settled, TextPreprocessing):
            rows = torch.full((count, settled.max_tokens), -1, dtype=torch.int32)
            rows[:, :TOKENS] = 0
        elif isinstance(settled, ImagePreprocessing):
            rows = torch.randint(0, 256, (count, 3, settled.size, settled.size), dtype=torch.uint8)
        else:
            rows = torch.randn(count, settled.size, settled.size)
        return Samples(rows, torch.arange(count) % self.classes, names, names, list(range(count)))

    @property
    def input(self) -> str:
        """What a sample is to the network, for people."""
        settled = self.backbone.preprocessing
        if isinstance(settled, TextPreprocessing):
            return f"{min(TOKENS, settled.max_tokens)} tokens"
        unit = "pixels" if isinstance(settled, ImagePreprocessing) else "bands and frames"
        return f"{settled.size} x {settled.size} {unit}"


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
    strategy, many = request.training.strategy, nouns(request.task).many
    learning, validation = split_sizes(request, counts)
    plan = Plan(request.training.fine_tuning or FineTuning())
    if strategy == "Auto" and request.training.fine_tuning is None:
        images = backbone.preprocessing.modality == "Image"
        plan = usual_plan(learning, images=images, pretrained=backbone.pretrained)
    tuning = plan.settings

    forward, forward_batch = time_forward(bench)
    base_memory = peak_memory()
    test = counts.test or 0
    seconds: dict[str, float] = {"Data": import_seconds + (counts.data_seconds or 0.0), "Backbone": loading}
    seconds |= {"Features": 0.0, "Training": 0.0, "Evaluation": test * forward}
    measured = f"{forward_batch} {many} ran forward"
    step_memory = 0
    # With FineTuning a solved head comes first where there are features to solve it on.
    mirrors = strategy != "FineTuning" and backbone.preprocessing.modality == "Image"
    views = 2 if mirrors and learning <= FLIP_SAMPLES else 1
    ridge = ridge_seconds(bench, learning, 1)
    if backbone.pretrained:
        seconds["Features"] = views * learning * forward + ridge + (ridge_seconds(bench, learning, 2) if mirrors else 0)
    if strategy != "FineTuning":
        seconds["Evaluation"] += validation * forward + curve_seconds(bench, learning, test or validation, views, ridge)
    if strategy != "FeatureExtraction":
        per_sample, batch, sample_memory = time_training(bench, tuning, forward)
        step_memory = round(sample_memory * tuning.batch_size)
        steps = steps_per_epoch(learning, tuning.batch_size)
        judged = min(validation, max(LEAST_JUDGED, learning // 2))
        epoch = min(steps * tuning.batch_size, max(learning, 2)) * per_sample + judged * forward
        # Whatever is chosen: if it is fine-tuning, it may be done once more, on the validation samples too.
        seconds["Training"] = tuning.epochs * epoch * (2 if plan.again else 1)
        seconds["Evaluation"] += 2 * validation * forward
        measured += f", batches of {batch} forward and backward"
    if request.training.search is not None:
        head = head_seconds(bench.network.width, counts.classes, views * learning, ridge)
        # Fine-tuning is what its trials do.
        seconds["Search"] = search_seconds(request, head, seconds["Training"])
        seconds["Training"] = 0.0
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
        input_size=None if isinstance(backbone.preprocessing, TextPreprocessing) else bench.network.size,
        parameters=sum(weight.numel() for weight in bench.network.parameters()),
        learning_parameters=sum(weight.numel() for weight in bench.network.parameters() if weight.requires_grad)
        if strategy != "FeatureExtraction"
        else bench.network.head.weight.numel() + bench.network.head.bias.numel(),
        seconds={phase: round(value, 1) for phase, value in seconds.items()},
        memory_bytes=base_memory + step_memory + held_bytes(bench, counts, views * learning),
        gpu_memory_bytes=torch.cuda.max_memory_allocated() if device.cuda else None,
        download=download,
        measured=f"{measured} at {bench.input}",
        unknown=unknown,
    )


def split_sizes(request: RunRequest, counts: Counts) -> tuple[int, int]:
    """Return how many samples are learned from and how many are for validation."""
    if counts.validation is not None or request.training.strategy == "FeatureExtraction":
        return counts.train, counts.validation or 0
    held = round(counts.train * float(request.data.validation_fraction))
    return counts.train - held, held


def time_forward(bench: Bench) -> tuple[float, int]:
    """Return the seconds that a sample takes in the run's own batches, and how many samples were timed."""
    size = bench.feed.batch_size()
    samples = bench.samples(size)

    def compute() -> object:
        return compute_features(bench.network, samples, bench.feed)

    first = timed(compute)  # it also allocates, and chooses how to compute
    repetitions = max(1, min(MOST_REPETITIONS, int(FORWARD_SECONDS / max(first, 1e-4))))
    seconds = [timed(compute) for _ in range(repetitions)]
    return sum(seconds) / len(seconds) / size, size


def time_training(bench: Bench, tuning: FineTuning, forward: float) -> tuple[float, int, float]:
    """Return the seconds that a sample takes in a training step, the batch that was timed, and bytes per sample."""
    # A part of a batch would cost more per sample: so a whole one, unless it took too long.
    fits = int(BACKWARD_SECONDS / (BACKWARD_COST * forward))
    batch = max(2, min(tuning.batch_size, fits))
    settings = tuning.model_copy(update={"epochs": 1, "batch_size": batch})
    before = peak_memory()

    def train(steps: int) -> float:
        samples = bench.samples(batch * steps)
        quiet = Progress(quiet=True)
        return timed(lambda: fine_tune(bench.network, samples, bench.feed, bench.device, settings, 0, quiet))

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
    names = GRAPH_INPUTS[bench.backbone.preprocessing.modality]

    def export() -> None:
        arguments = dict(zip(names, bench.network.example(2), strict=True))
        model = export_onnx(bench.network, arguments, folder / "model.onnx", bench.network.free_axes)
        open_session(model, machine.threads(), names)

    return timed(export)


def held_bytes(bench: Bench, counts: Counts, rows: int) -> int:
    """Return what samples and the rows of features hold beside the network; many samples lie in a file instead."""
    one = bench.samples(1).rows
    samples = [count * one.numel() * one.itemsize for count in (counts.train, counts.validation or 0, counts.test or 0)]
    # Decoded samples are copied once where a part of them is held out.
    in_memory = 2 * sum(each for each in samples if each <= IN_MEMORY_BYTES)
    # Features, those of both views together, and what the head is solved with.
    return in_memory + 3 * rows * bench.network.width * 4


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_memory() -> int:
    """Return the most memory that this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
