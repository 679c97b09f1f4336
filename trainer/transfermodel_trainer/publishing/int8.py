"""The model in 8-bit integers: made, judged beside Float32, and published where it is as good. It never fails a run."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transfermodel_operator.api import Int8Check
from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.inference.classifier import CHUNK
from transfermodel_predictor.inference.pipelines import Pipeline, pipeline_of
from transfermodel_predictor.inference.session import Session, open_session

from transfermodel_trainer import machine
from transfermodel_trainer.data.nouns import nouns
from transfermodel_trainer.data.samples import Samples, batches

CALIBRATION_SAMPLES: Final = 200
CALIBRATION_BATCH: Final = 8
"""Every activation of a batch is in memory at a time."""
TOLERATED_ONE_IN: Final = 200
"""Half a point: so many samples for each that Int8 may have wrong and Float32 right, on balance."""
MOST_SECONDS: Final = 120.0
MOST_BYTES: Final = 500_000_000
"""Of the Float32 graph."""
COPIES: Final = 6
"""Of the Float32 graph, that are in memory at a time."""
SPARE_BYTES: Final = 200_000_000
TIMED_SECONDS: Final = 0.5
TIMED_RUNS: Final = 20
NEWLINE: Final = "\n"
MOST_WORDS: Final = 200
"""Characters of somebody else's error: the termination message has other things to hold."""

T = TypeVar("T")
Feeds = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Int8:
    """What came of it."""

    check: Int8Check
    model: bytes | None = None
    """The graph, where it is to be published."""


class NotWorthIt(Exception):
    """It is left out; the message is a whole sentence."""


def make_int8(
    model: Path,
    description: ModelDescription,
    files: Mapping[str, bytes],
    train: Samples,
    judged: Samples,
    served: Tensor,
    seed: int,
    folder: Path,
    threads: int,
    step: Callable[[float], None] = lambda _: None,
) -> Int8:
    """Return the model in 8-bit integers, and how it does on the samples that the Float32 graph was scored on.

    Args:
        model: the Float32 graph's file.
        description: of the model.
        files: of the artifact, by name, that its pipeline is made from.
        train: what the ranges of activations are measured on: at most 200 of them, drawn by the seed.
        judged: what both graphs are scored on.
        served: logits (N, K) of the Float32 graph for them.
        seed: of the run.
        folder: for temporary files.
        threads: to compute with.
        step: hears how much is done, 0 to 1.
    """
    begun = time.monotonic()
    clock = Clock(begun + MOST_SECONDS)
    try:
        check_affordable(model.stat().st_size)
        # The libraries that quantise take a while to import, and nothing else needs them.
        from transfermodel_trainer.publishing.quantisation import quantise

        pipeline = pipeline_of(description.preprocessing, files)
        graph = quantise(model, clock.ticking(calibration(train, seed, pipeline)), folder, threads)
        step(0.4)
        inputs = description.signature.inputs
        session = open_session(graph, threads, inputs)
        logits = torch.cat(list(clock.ticking(score(session, judged, pipeline))))
        step(0.9)
        speedup = gain(open_session(model, threads, inputs), session, pipeline.feeds(judged.rows[:1].numpy()))
        check = compare(served, logits, judged.classes, nouns(description.task).many)
        seconds = f"{time.monotonic() - begun:.1f}"
        check = check.model_copy(update={"speedup": f"{speedup:.2f}", "seconds": seconds})
        return Int8(check, None if check.refusal else graph)
    except NotWorthIt as error:
        refusal = str(error)
    except Exception as error:  # ONNX Runtime's errors share no base class but Exception
        words = (str(error) or "no message").partition(NEWLINE)[0][:MOST_WORDS]
        refusal = f"ONNX Runtime cannot make this network one of 8-bit integers ({type(error).__name__}: {words})."
    return not_made(refusal, time.monotonic() - begun)


def not_made(refusal: str, seconds: float = 0.0) -> Int8:
    """Return that there is none; refusal: why, as a sentence."""
    return Int8(Int8Check(refusal=refusal, seconds=f"{seconds:.1f}"))


def timeless(check: Int8Check) -> Int8Check:
    """Return what two equal runs find alike."""
    return check.model_copy(update={"speedup": None, "seconds": None})


def in_words(check: Int8Check) -> str:
    """Return the outcome for people, as a sentence."""
    if check.refusal:
        return check.refusal
    faster = f", {float(check.speedup):.1f} times as fast" if check.speedup else ""
    return (
        f"accuracy {check.accuracy} (Float32: {check.float32_accuracy}, the same label for "
        f"{float(check.agreement or 0):.1%}) on {check.samples} samples{faster}."
    )


class Clock:
    """Ends what takes too long."""

    def __init__(self, deadline: float) -> None:
        """Take the time, by the monotonic clock, from which it has taken too long."""
        self._deadline = deadline

    def ticking(self, items: Iterable[T]) -> Iterator[T]:
        """Yield what comes. Raises NotWorthIt when the time is over."""
        for item in items:
            if time.monotonic() > self._deadline:
                raise NotWorthIt(f"Making and judging a graph of 8-bit integers took more than {MOST_SECONDS:.0f} s.")
            yield item


def check_affordable(size: int) -> None:
    """Raise NotWorthIt unless there is memory for a graph of this many bytes: a run must not die of this."""
    if size > MOST_BYTES:
        raise NotWorthIt(
            f"A graph of {size / 1e6:.0f} MB is not made one of 8-bit integers; {MOST_BYTES / 1e6:.0f} MB is the most."
        )
    free, needed = machine.free_memory(), COPIES * size + SPARE_BYTES
    if free is not None and free < needed:
        raise NotWorthIt(
            f"Making a graph of 8-bit integers takes some {needed / 1e6:.0f} MB of memory, and {free / 1e6:.0f} MB "
            "were left: raise spec.training.resources.limits.memory."
        )


def calibration(train: Samples, seed: int, pipeline: Pipeline) -> Iterator[Feeds]:
    """Yield batches of the graph's inputs: at most 200 training samples, drawn by the seed."""
    drawn = np.sort(np.random.default_rng(seed).permutation(len(train))[:CALIBRATION_SAMPLES])
    for part in batches(len(drawn), CALIBRATION_BATCH):
        yield pipeline.feeds(train.rows[torch.from_numpy(drawn[part])].numpy())


def score(session: Session, samples: Samples, pipeline: Pipeline) -> Iterator[Tensor]:
    """Yield logits of the samples, in the batches in which many are served."""
    for part in batches(len(samples), CHUNK):
        yield torch.from_numpy(session.logits(pipeline.feeds(samples.rows[part].numpy())))


def compare(served: Tensor, logits: Tensor, classes: Tensor, many: str) -> Int8Check:
    """Judge logits (N, K) of 8-bit integers by those of Float32; more than half a point less is refused.

    many: what the samples are called.
    """
    count = len(classes)
    float32 = int((served.argmax(1) == classes).sum())
    int8 = int((logits.argmax(1) == classes).sum())
    agreeing = int((logits.argmax(1) == served.argmax(1)).sum())
    refusal = None
    if (float32 - int8) * TOLERATED_ONE_IN > count:
        refusal = (
            f"Its accuracy on {count} {many} is {int8 / count:.4f} in 8-bit integers and {float32 / count:.4f} in "
            "Float32: more than half a point lower."
        )
    return Int8Check(
        accuracy=f"{int8 / count:.4f}",
        float32_accuracy=f"{float32 / count:.4f}",
        agreement=f"{agreeing / count:.4f}",
        samples=count,
        refusal=refusal,
    )


def gain(slow: Session, fast: Session, feeds: Feeds) -> float:
    """Return the time of one session for these inputs over that of another, in turn, by the medians."""
    times: tuple[list[float], list[float]] = ([], [])
    for session in (slow, fast):
        session.logits(feeds)
    end = time.perf_counter() + TIMED_SECONDS
    while not times[1] or (len(times[1]) < TIMED_RUNS and time.perf_counter() < end):
        for spent, session in zip(times, (slow, fast), strict=True):
            begun = time.perf_counter()
            session.logits(feeds)
            spent.append(time.perf_counter() - begun)
    return median(times[0]) / median(times[1])
