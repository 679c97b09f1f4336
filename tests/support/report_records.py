"""What a run would record, made up to be large or hostile: for the bounds of the report."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]
import torch
from msgspec import structs
from transfermodel_operator.api import RunRequest
from transfermodel_predictor.artifact.description import (
    GRAPH_INPUTS,
    AudioPreprocessing,
    BackboneDescription,
    ImagePreprocessing,
    ModelDescription,
    Signature,
    TextPreprocessing,
    WeightsSource,
)
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.split import Split
from transfermodel_trainer.evaluation.metrics import measure
from transfermodel_trainer.evaluation.summary import CurvePoint, Evaluated, Learned
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.training.finetuning import Epoch


def request(**changes: Any) -> RunRequest:
    """Return a request with a test set on S3."""
    wire: dict[str, Any] = {
        "run": "0123",
        "namespace": "tests",
        "name": "made-up",
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "IMAGENET1K_V1"}},
        "data": {"train": {"uri": "s3://datasets/train"}, "test": {"uri": "s3://datasets/test"}},
        "training": {"strategy": "FineTuning", "fineTuning": {"epochs": 3}},
        "outputUri": "s3://models",
    }
    return RunRequest.model_validate_json(json.dumps(wire | changes))


def images(classes: torch.Tensor, size: int, names: list[str] | None = None, seed: int = 0) -> Samples:
    """Return noise, which no format can compress: the largest pictures there are."""
    generator = torch.Generator().manual_seed(seed)
    count = len(classes)
    return Samples(
        torch.randint(0, 256, (count, 3, size, size), generator=generator, dtype=torch.uint8),
        classes,
        names or [f"{number:05}.png" for number in range(count)],
        [f"{seed}{number:08x}" for number in range(count)],
        list(range(count)),
    )


def record(
    labels: tuple[str, ...],
    *,
    size: int = 8,
    per_class: int = 2,
    accuracy: float = 0.7,
    names: list[str] | None = None,
    epochs: int = 3,
    asked: RunRequest | None = None,
    warnings: tuple[str, ...] = (),
) -> RunRecord:
    """Return a record with as many classes and mistakes as asked for; `names` are those of the test images."""
    kinds = len(labels)
    truth = torch.arange(kinds).repeat_interleave(per_class)
    generator = np.random.default_rng(0)
    wrong = generator.random(len(truth)) > accuracy
    said = np.where(wrong, generator.integers(0, kinds, len(truth)), truth.numpy())
    logits = torch.from_numpy(generator.normal(0, 1, (len(truth), kinds))).float()
    logits[torch.arange(len(truth)), torch.from_numpy(said)] += 6
    test, train = images(truth, size, names), images(truth, size, seed=1)
    evaluated = Evaluated("test", test, logits, measure(logits, truth, labels))
    history = tuple(Epoch(2.0 / n, 1e-3 / n, 1 - 0.5 / n, 2.2 / n) for n in range(1, epochs + 1))
    curve = (CurvePoint(1, 0.4, 0.3, 0.5), CurvePoint(2, 0.6, 0.55, 0.65), CurvePoint(4, 0.7, 0.7, 0.7))
    description = ModelDescription(
        backbone=BackboneDescription(
            name="torchvision/resnet18",
            source=WeightsSource(kind="name", reference="IMAGENET1K_V1", digest="sha256:" + "0" * 64),
            strategy="FineTuning",
        ),
        labels=labels,
        preprocessing=ImagePreprocessing(size=size, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
        libraries={"torch": "2.9.0"},
        run="0123",
    )
    return RunRecord(
        request=asked or request(),
        description=description,
        learned=Learned(evaluated, (evaluated,), history, {"head": "linear"}, curve),
        split=Split(train, None, test, warnings, 0, labels),
        device="cpu",
        content=lambda position: b"",
    )


def as_texts(made: RunRecord, texts: Sequence[str]) -> RunRecord:
    """Return the record as one of texts; the one at each position of training and test."""
    described = structs.replace(
        made.description,
        task="TextClassification",
        preprocessing=TextPreprocessing(max_tokens=128),
        signature=Signature(inputs=GRAPH_INPUTS["Text"]),
    )
    asked = made.request.model_copy(update={"task": "TextClassification"})
    return replace(
        made, description=described, request=asked, content=lambda position: texts[position].encode("utf-8", "replace")
    )


def as_recordings(made: RunRecord, seconds: float = 0.3, size: int = 32) -> RunRecord:
    """Return the record as one of recordings: noise, which takes most room."""
    preprocessing = AudioPreprocessing(sample_rate=8000, clip_seconds=seconds, size=size, mean=-6, std=3)
    described = structs.replace(
        made.description,
        task="AudioClassification",
        preprocessing=preprocessing,
        signature=Signature(inputs=GRAPH_INPUTS["Audio"]),
    )
    asked = made.request.model_copy(update={"task": "AudioClassification"})

    def content(position: int) -> bytes:
        noise = np.random.default_rng(position).uniform(-1, 1, round(seconds * 8000))
        buffer = io.BytesIO()
        soundfile.write(buffer, noise, 8000, format="WAV")
        return buffer.getvalue()

    def heard(samples: Samples) -> Samples:
        generator = torch.Generator().manual_seed(len(samples))
        return replace(samples, rows=torch.rand(len(samples), size, size, generator=generator) * -13.8)

    headline = replace(made.learned.headline, samples=heard(made.learned.headline.samples))
    return replace(
        made,
        description=described,
        request=asked,
        content=content,
        learned=replace(made.learned, headline=headline, splits=(headline,)),
        split=replace(made.split, train=heard(made.split.train)),
    )
