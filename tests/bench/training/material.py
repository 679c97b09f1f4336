"""The data sets and the backbones that go with them, decoded once: what both sides start from."""

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from transfermodel_operator.api import RunBackbone, RunRequest
from transfermodel_operator.api.run import RunData, RunTraining
from transfermodel_operator.api.spec import DataSource, FineTuning, Input, Strategy, Task, Weights
from transfermodel_predictor.inference.pipelines import Pipeline, pipeline_of
from transfermodel_trainer.backbones import load
from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.backbones.preprocessing import AudioInput
from transfermodel_trainer.backbones.recordings import measure
from transfermodel_trainer.data.samples import Samples

ALL = "all"
Size = str
"""Training samples of each class as a number, or all that there are."""


class MaterialMissing(Exception):
    """A data set is not on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Material:
    """One data set, decoded as the trainer decodes it, and its backbone."""

    name: str
    task: Task
    labels: tuple[str, ...]
    train: Samples
    test: Samples
    spec: RunBackbone
    """The backbone as a TransferModel would ask for it."""
    backbone: Callable[[int], LoadedBackbone]
    """Loads it anew, with a head drawn by the seed."""
    untrained: Callable[[int], LoadedBackbone]
    """The same architecture with weights drawn by the seed."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """The texts themselves by the names of their samples; empty for other modalities."""

    def drawn(self, size: Size, seed: int) -> Samples:
        """Return so many training samples of each class, drawn by the seed."""
        if size == ALL:
            return self.train
        generator = np.random.default_rng([seed, int(size)])
        classes = self.train.classes.numpy()
        chosen = [
            generator.choice(np.flatnonzero(classes == label), int(size), replace=False)
            for label in range(len(self.labels))
        ]
        return self.train.select(np.sort(np.concatenate(chosen)))


@dataclass(frozen=True)
class File:
    """One encoded sample."""

    name: str
    content: bytes
    label: str


def prepare(
    name: str,
    task: Task,
    spec: RunBackbone,
    train: Iterable[File],
    test: Iterable[File],
    folder: Path,
) -> Material:
    """Decode everything.

    Args:
        name: of the data set.
        task: what is classified.
        spec: the backbone.
        train: what to learn from.
        test: what to judge by.
        folder: for temporary files.
    """
    train, test = list(train), list(test)
    labels = tuple(sorted({file.label for file in train}))
    plan = load.plan(request_of(task, spec), {}, folder, folder)
    if isinstance(
        plan.preprocessing, AudioInput
    ):  # as the trainer does: what recordings are like is not asked, but seen
        plan = replace(plan, preprocessing=measure(plan.preprocessing, len(train), lambda index: train[index].content))
    fresh = replace(plan, weights=None)

    def backbone(seed: int) -> LoadedBackbone:
        torch.manual_seed(seed)
        return plan.load(len(labels))

    def untrained(seed: int) -> LoadedBackbone:
        torch.manual_seed(seed)
        return fresh.load(len(labels))

    first = backbone(0)
    pipeline = pipeline_of(first.preprocessing, first.files)
    texts = {}
    if task == "TextClassification":
        texts = {file.name: file.content.decode() for file in (*train, *test)}
    return Material(
        name,
        task,
        labels,
        decoded(train, labels, pipeline),
        decoded(test, labels, pipeline),
        spec,
        backbone,
        untrained,
        texts,
    )


def decoded(files: list[File], labels: tuple[str, ...], pipeline: Pipeline) -> Samples:
    """Return the files as the trainer holds them."""
    return Samples(
        rows=torch.from_numpy(np.stack([pipeline.row(pipeline.decode(file.content)) for file in files])),
        classes=torch.tensor([labels.index(file.label) for file in files]),
        names=[file.name for file in files],
        digests=[hashlib.sha256(file.content).hexdigest() for file in files],
        positions=list(range(len(files))),
    )


def from_folder(folder: Path, suffix: str) -> list[File]:
    """Return the files of a folder with one sub-folder per class."""
    paths = sorted(folder.glob(f"*/*{suffix}"))
    return [File(f"{path.parent.name}/{path.name}", path.read_bytes(), path.parent.name) for path in paths]


def from_table(path: Path) -> list[File]:
    """Return the rows (text, label) of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [File(f"{path.name}:{number}", row["text"].encode(), row["label"]) for number, row in enumerate(rows, 2)]


def from_weights(architecture: str, path: Path, size: int | None = None) -> RunBackbone:
    """Return the backbone of stored weights."""
    entry = None if size is None else Input(size=size)
    return RunBackbone(name=architecture, weights=Weights(uri=f"file://{path.resolve()}"), input=entry)


def request_of(
    task: Task,
    backbone: RunBackbone,
    strategy: Strategy = "FeatureExtraction",
    fine_tuning: FineTuning | None = None,
    seed: int = 0,
) -> RunRequest:
    """Return the request of a run; its data are in memory, and it publishes nothing."""
    return RunRequest(
        run="0" * 40,
        namespace="bench",
        name="bench",
        task=task,
        backbone=backbone,
        data=RunData(train=DataSource(uri="file:///in-memory")),
        training=RunTraining(strategy=strategy, fine_tuning=fine_tuning, seed=seed),
        output_uri="file:///in-memory",
    )
