"""Scoring with the code that serves: encoded bytes through the predictor's decoder, preprocessing and session."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from transfermodel_operator.api import Reason
from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.pipelines import pipeline_of
from transfermodel_predictor.inference.session import open_session

from transfermodel_trainer.data.samples import Samples, batches
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunBroken

SCORED_SAMPLES = 2000
BATCH = 32
TOLERATED_SHARE = 0.005


def check_served(
    model: bytes,
    description: ModelDescription,
    files: Mapping[str, bytes],
    samples: Samples,
    spool: Spool,
    logits: Tensor,
    threads: int,
    step: Callable[[float], None] = lambda _: None,
) -> Tensor:
    """Return what would be served, logits (N, K); the labels must be those of the trained network's logits (N, K).

    Raises:
        RunError: ExportMismatch when more than 0.5 % of the labels differ.
    """
    session = open_session(model, threads, description.signature.inputs)
    classifier = Classifier(description, session, pipeline_of(description.preprocessing, files))
    count = len(samples)
    scored = torch.empty_like(logits)
    for part in batches(count, BATCH):
        served = classifier.logits(
            [classifier.pipeline.decode(spool.read(position)) for position in samples.positions[part]]
        )
        scored[part] = torch.from_numpy(served)
        step(part.stop / count)
    differing = int((scored.argmax(1) != logits.argmax(1)).sum())
    if differing > TOLERATED_SHARE * count:
        raise RunBroken(
            Reason.EXPORT_MISMATCH,
            f"What would be served labels {differing} of {count} samples differently from what was trained; "
            "nothing was published. "
            "Use another spec.backbone.name, and report this one.",
        )
    return scored
