"""From encoded files to rows, with the predictor's own pipeline."""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Task
from transfermodel_predictor.inference.errors import UnreadableSample
from transfermodel_predictor.inference.pipelines import Pipeline

from transfermodel_trainer import machine
from transfermodel_trainer.data.fetch import Fetched, Sample
from transfermodel_trainer.data.nouns import nouns
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError, listed

TOLERATED_SHARE = 0.1
TOLERATED_FILES = 3
IN_MEMORY_BYTES = 1 << 30
"""More rows than this live in a file that is mapped: the kernel can take that memory back."""


@dataclass(frozen=True)
class Decoded:
    """The readable samples of one source, and the names of the others with the reason."""

    images: Samples
    unreadable: tuple[tuple[str, str], ...]
    task: Task

    def warning(self, role: str) -> str | None:
        """Return the sentence about skipped files."""
        if not self.unreadable:
            return None
        return (
            f"{_counted(len(self.unreadable), self.task)} of spec.data.{role} skipped, not readable as "
            f"{nouns(self.task).many}: {examples(self.unreadable)}."
        )


def decode(fetched: Fetched, spool: Spool, pipeline: Pipeline, folder: Path, step: Callable[[float], None]) -> Decoded:
    """Decode all samples, in several threads.

    Raises:
        RunError: TooManyUnreadableFiles above 10 % (and more than 3), EmptyClass when a class has no readable sample.
    """
    samples = fetched.samples
    rows = _allocate(len(samples), pipeline, folder / f"{fetched.source.role}-rows")
    done = 0

    def work(index: int) -> str | None:
        try:
            rows[index] = pipeline.row(pipeline.decode(spool.read(samples[index].position)))
        except UnreadableSample as error:
            return str(error)
        return None

    problems: list[tuple[int, str]] = []
    with ThreadPoolExecutor(machine.threads()) as pool:
        for index, problem in enumerate(pool.map(work, range(len(samples)))):
            if problem is not None:
                problems.append((index, problem))
            done += 1
            step(done / len(samples))
    unreadable = tuple((samples[index].name, problem) for index, problem in problems)
    _check(fetched, unreadable)
    bad = {index for index, _ in problems}
    kept = np.array([index for index in range(len(samples)) if index not in bad], dtype=np.int64)
    found = _samples(samples, spool, torch.from_numpy(rows))
    return Decoded(found if not bad else found.select(kept), unreadable, fetched.source.task)


def _allocate(count: int, pipeline: Pipeline, path: Path) -> NDArray[Any]:
    shape = (count, *pipeline.shape)
    if math.prod(shape) * pipeline.dtype.itemsize <= IN_MEMORY_BYTES:
        return np.zeros(shape, dtype=pipeline.dtype)
    mapped: NDArray[Any] = np.memmap(path, dtype=pipeline.dtype, mode="w+", shape=shape)
    os.unlink(path)  # the mapping keeps it until the process ends
    return mapped


def _samples(samples: tuple[Sample, ...], spool: Spool, rows: torch.Tensor) -> Samples:
    return Samples(
        rows,
        torch.tensor([sample.label for sample in samples]),
        [sample.name for sample in samples],
        [spool.digest(sample.position) for sample in samples],
        [sample.position for sample in samples],
    )


def examples(unreadable: tuple[tuple[str, str], ...]) -> str:
    """Return the first names, and why the first of them could not be read."""
    return f"{listed([name for name, _ in unreadable], 3)} ({unreadable[0][0]}: {unreadable[0][1].rstrip('.')})"


def _counted(count: int, task: Task) -> str:
    """Return "1 file"; a text may be a row of a table."""
    one = "text" if task == "TextClassification" else "file"
    return f"1 {one}" if count == 1 else f"{count} {one}s"


def _check(fetched: Fetched, unreadable: tuple[tuple[str, str], ...]) -> None:
    role, uri, count = fetched.source.role, fetched.source.uri, len(fetched.samples)
    task = fetched.source.task
    words = nouns(task)
    if len(unreadable) > max(TOLERATED_FILES, TOLERATED_SHARE * count):
        raise RunError(
            Reason.TOO_MANY_UNREADABLE_FILES,
            f"spec.data.{role}.uri {uri}: {len(unreadable)} of {_counted(count, task)} cannot be read as "
            f"{words.many}: {examples(unreadable)}. Remove them, or store them as {words.formats}.",
        )
    bad = {name for name, _ in unreadable}
    readable = {sample.label for sample in fetched.samples if sample.name not in bad}
    empty = [label for index, label in enumerate(fetched.classes.labels) if index not in readable]
    if empty:
        raise RunError(
            Reason.EMPTY_CLASS,
            f"spec.data.{role}.uri {uri}: no readable {words.one} in class {listed(empty)}: "
            f"{examples(unreadable)}. Add {words.many} to it.",
        )
