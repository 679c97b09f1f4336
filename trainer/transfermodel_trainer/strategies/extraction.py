"""FeatureExtraction: the frozen trunk runs once, the head is solved for."""

from collections.abc import Sequence

from torch import Tensor

from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.evaluation.samples_curve import samples_curve
from transfermodel_trainer.evaluation.summary import Evaluated, Learned
from transfermodel_trainer.features.cache import FeatureCache
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.training.inference import compute_features
from transfermodel_trainer.training.probe import Probe, fit_probe


def extract(context: Context) -> Learned:
    """Solve for the head on the frozen trunk's features, and judge it by theirs."""
    cache = context.cache()
    return judge_probe(context, solve_head(context, cache), cache, context.held_out())


def solve_head(context: Context, cache: FeatureCache | None) -> Probe:
    """Fit the head on the frozen trunk, and set it: from then on there is a model that could be published."""
    probe = fit_probe(
        context.network,
        context.split.train,
        context.feed,
        context.progress,
        flip=context.mirrors,
        cache=cache,
        limits=context.limits,
    )
    context.limits.fitted()
    return probe


def judge_probe(
    context: Context,
    probe: Probe,
    cache: FeatureCache | None,
    held_out: Sequence[tuple[str, Samples]],
    others: Sequence[Evaluated] = (),
) -> Learned:
    """Return what came of a probe.

    Args:
        context: the run.
        probe: on the network already. The training samples come first among what it was fitted to.
        cache: of the trunk's features.
        held_out: what it was not fitted to, the headline first.
        others: splits that were judged already.
    """
    split, progress, fitted = context.split, context.progress, probe.fitted
    progress.phase("Evaluation")
    splits: list[Evaluated] = []
    features: dict[str, Tensor] = {}
    for name, samples in held_out:
        features[name] = compute_features(
            context.network, samples, context.feed, cache=cache, limits=context.limits, step=progress.step
        )
        splits.append(context.evaluated(name, samples, fitted.head(features[name])))
    splits.append(context.evaluated("leave-one-out", split.train, fitted.left_out_logits[: len(split.train)]))
    headline = splits[0]
    judged = (features[headline.split], headline.samples.classes) if features else None
    curve = samples_curve(
        probe.features,
        probe.classes,
        len(split.labels),
        judged,
        headline.metrics.accuracy,
        context.request.training.seed,
        fitted.settings,
    )
    notes = {
        "head": fitted.described(),
        "mirrored views": "used" if probe.flipped else "not used",
    }
    if fitted.settings.method == "logistic":
        notes["leave-one-out"] = "a fifth of the samples at a time: only ridge regression has a formula for each alone"
    if curve:
        by = headline.split if judged else "the training samples that were not drawn, all samples by leave-one-out"
        notes["samples per class"] = f"heads fitted on fewer samples, drawn several times, are judged by {by}"
    return Learned(headline, (*splits, *others), (), notes, curve, strategy="FeatureExtraction")
