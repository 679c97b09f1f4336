"""FeatureExtraction: the frozen trunk runs once, the head is solved for."""

from torch import Tensor

from transfermodel_trainer.evaluation.samples_curve import samples_curve
from transfermodel_trainer.evaluation.summary import Evaluated, Learned
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.training.inference import compute_features
from transfermodel_trainer.training.probe import fit_probe


def extract(context: Context) -> Learned:
    """Solve for the head on the frozen trunk's features, and judge it by theirs."""
    split, progress, limits, cache = context.split, context.progress, context.limits, context.cache()
    probe = fit_probe(
        context.network, split.train, context.feed, progress, flip=context.mirrors, cache=cache, limits=limits
    )
    ridge = probe.ridge
    progress.phase("Evaluation")
    splits: list[Evaluated] = []
    features: dict[str, Tensor] = {}
    for name, samples in context.held_out():
        features[name] = compute_features(
            context.network, samples, context.feed, cache=cache, limits=limits, step=progress.step
        )
        splits.append(context.evaluated(name, samples, ridge.head(features[name])))
    splits.append(context.evaluated("leave-one-out", split.train, ridge.left_out_logits))
    headline = splits[0]
    judged = (features[headline.split], headline.samples.classes) if features else None
    curve = samples_curve(
        probe.features,
        split.train.classes,
        len(split.labels),
        judged,
        headline.metrics.accuracy,
        context.request.training.seed,
    )
    notes = {
        "head": f"ridge regression, penalty {ridge.penalty:.4g} chosen by leave-one-out, every class weighing the same",
        "mirrored views": "used" if probe.flipped else "not used",
    }
    if curve:
        by = headline.split if judged else "the training samples that were not drawn, all samples by leave-one-out"
        notes["samples per class"] = f"heads fitted on fewer samples, drawn several times, are judged by {by}"
    return Learned(headline, tuple(splits), (), notes, curve)
