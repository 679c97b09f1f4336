"""Our side: the trainer's own strategies, on the same decoded samples as the baselines."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from transfermodel_operator.api.spec import FineTuning, Strategy
from transfermodel_predictor.artifact.storage import Storage, open_store
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.split import Split
from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.strategies import STRATEGIES
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.training.feeds import feed_of

from tests.bench.training.material import request_of
from tests.bench.training.turns import Method, Outcome, Turn, judge

JUDGING = "Evaluation"
"""The trainer's phase that is no part of training; it is left out, and the test set is judged as for every method."""
ADDED = 0.01
"""The part of the samples that is new in a refit."""


def method(strategy: Strategy, fine_tuning: FineTuning | None = None) -> Method:
    """Return a strategy of the trainer as a method; without `fine_tuning` by the defaults of the API."""

    def run(turn: Turn) -> Outcome:
        train, validation = (turn.train, None) if strategy == "FeatureExtraction" else turn.parts()
        return learned(turn, strategy, train, validation, fine_tuning=fine_tuning)

    return run


def refit(turn: Turn) -> Outcome:
    """FeatureExtraction on all samples, when a run on all but 1 % of them has left its features beside the outputs."""
    count = max(1, round(ADDED * len(turn.train)))
    order = np.random.default_rng(turn.seed).permutation(len(turn.train))
    known = turn.train.select(np.sort(order[count:]))
    with tempfile.TemporaryDirectory(prefix="transfermodel-bench-") as folder:
        storage = open_store(Path(folder).as_uri(), {})
        learned(turn, "FeatureExtraction", known, None, storage=storage)
        return learned(turn, "FeatureExtraction", turn.train, None, storage=storage)


def learned(
    turn: Turn,
    strategy: Strategy,
    train: Samples,
    validation: Samples | None,
    *,
    fine_tuning: FineTuning | None = None,
    storage: Storage | None = None,
) -> Outcome:
    """Run a strategy, and judge the network that it leaves."""
    context, result = run_strategy(turn, strategy, train, validation, fine_tuning=fine_tuning, storage=storage)
    spent = context.progress.seconds
    seconds = sum(taken for phase, taken in spent.items() if phase != JUDGING)
    right, judging = judge(context.network, turn.material.test, context.feed, turn.device)
    return Outcome(right, seconds, judging, facts=facts(result, len(train), spent))


def run_strategy(
    turn: Turn,
    strategy: Strategy,
    train: Samples,
    validation: Samples | None,
    *,
    fine_tuning: FineTuning | None = None,
    storage: Storage | None = None,
) -> tuple[Context, Learned]:
    """Run a strategy as the trainer does, on decoded samples; it never sees the test set."""
    material, device = turn.material, turn.device
    backbone = material.backbone(turn.seed)
    feed = feed_of(backbone.preprocessing, device.torch)
    backbone.network.to(device.torch).to(memory_format=feed.memory_format)
    context = Context(
        request=request_of(material.task, material.spec, strategy, fine_tuning, turn.seed),
        backbone=backbone,
        split=Split(train, validation, None, (), 0, material.labels),
        feed=feed,
        device=device,
        checkpoints=None,
        progress=Progress(quiet=True),
        storage=storage,
    )
    result = STRATEGIES[strategy](context)
    context.progress.stop()
    return context, result


def facts(result: Learned, count: int, spent: Mapping[str, float]) -> dict[str, float]:
    """Return the samples per second of fine-tuning, its validation passes included, where there was any."""
    seconds = spent.get("Training", 0.0)
    return {"samples_per_second": len(result.history) * count / seconds} if result.history and seconds else {}
