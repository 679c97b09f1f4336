"""How long the trials of a search take: what each takes, as often as there are trials, within the search's own time."""

import time
from typing import Final

import torch
from transfermodel_operator.api import RunRequest

from transfermodel_trainer.training.heads import fit_head
from transfermodel_trainer.training.linear_head import HeadSettings

LOGISTIC: Final = HeadSettings(method="logistic")
TIMED_ROWS: Final = 500


def search_seconds(request: RunRequest, head: float, tuning: float) -> float:
    """Return what all trials take, were none of them pruned.

    Several at a time share the processors: so they take as long as one after the other.

    Args:
        request: of a run with a search.
        head: seconds that a trial of a head takes.
        tuning: seconds of fine-tuning by the usual settings; with Auto most trials are taken for such.
    """
    training, search = request.training, request.training.search
    if search is None:
        return 0.0
    each = head if training.strategy == "FeatureExtraction" else tuning
    # The solved head is the first trial, and costs nothing more.
    first = 0.0 if training.strategy == "FeatureExtraction" else each
    own = search.max_duration_seconds
    if search.trials is None:
        return max(first, float(own or 0))
    whole = each * search.trials
    return whole if own is None else max(first, min(whole, own))


def head_seconds(width: int, classes: int, samples: int, ridge: float) -> float:
    """Return what a trial of a head takes on average: logistic regression, timed on a few rows, as often as ridge.

    Args:
        width: of the features.
        classes: of the model.
        samples: that are learned from.
        ridge: seconds that ridge regression takes.
    """
    rows = max(2 * classes, min(samples, TIMED_ROWS))
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(rows) % classes
    # As far apart as features of classes are: noise alone would take longer.
    features = torch.randn(rows, width, generator=generator)
    features[torch.arange(rows), truth % width] += 3.0
    started = time.perf_counter()
    fit_head(features[None], truth, classes, None, LOGISTIC)
    logistic = (time.perf_counter() - started) * max(1.0, samples / rows)
    return (logistic + ridge) / 2
