"""Auto: the head on the frozen trunk first; then fine-tuning, where time allows; what validates better is published."""

from dataclasses import replace
from time import perf_counter
from typing import Final

import torch
from torch import Tensor
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer.backbones.network import weights_of
from transfermodel_trainer.data.samples import Samples, evenly
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.evaluation.choice import Choice, choose
from transfermodel_trainer.evaluation.summary import Evaluated, Learned
from transfermodel_trainer.features.cache import FeatureCache
from transfermodel_trainer.strategies.again import learn_again
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.strategies.extraction import judge_probe, solve_head
from transfermodel_trainer.strategies.tuning import calibrate, fine_tuned, judge_tuned, last_checkpoint
from transfermodel_trainer.strategies.usual import Plan, plan_of
from transfermodel_trainer.training.batches import steps_per_epoch
from transfermodel_trainer.training.finetuning import Tuned
from transfermodel_trainer.training.inference import compute_features, compute_logits
from transfermodel_trainer.training.probe import Probe

BACKWARD_COST: Final = 3.0
"""A training step, in forward passes."""


def choose_strategy(context: Context) -> Learned:
    """Fit the head, fine-tune from it, and judge the better of the two."""
    split, cache = context.split, context.cache()
    probe = solve_head(context, cache)
    if split.validation is None:
        choice = Choice("FeatureExtraction", "no sample could be held out to compare fine-tuning by")
        return explained(judge_probe(context, probe, cache, context.held_out()), choice, context)
    features = compute_features(context.network, split.validation, context.feed, cache=cache, limits=context.limits)
    judged = context.evaluated("validation", split.validation, probe.fitted.head(features))
    plan = plan_of(context)
    trunk = weights_of(context.network.trunk)
    tuned, why = tune_if_possible(context, plan, probe)
    choice = Choice("FeatureExtraction", why, judged.metrics.accuracy)
    if tuned is not None:
        calibration = calibrate(context)
        logits = compute_logits(context.network, split.validation, context.feed)
        choice = choose(judged.logits, logits, split.validation.classes)
    if tuned is not None and choice.chosen == "FineTuning":
        if plan.again and tuned.ended_by is None:
            judged = context.evaluated("validation", split.validation, logits)
            learned = learn_again(context, plan, trunk, tuned, calibration, judged, mirrored=probe.flipped)
            return explained(learned, choice, context)
        return explained(judge_tuned(context, plan, tuned, calibration), choice, context)
    context.network.trunk.load_state_dict(trunk)
    learned = judge_whole(context, probe, split.validation, features, judged, cache)
    ended_by = tuned.ended_by if tuned is not None else None
    return replace(explained(learned, choice, context), budget_exceeded=ended_by)


def tune_if_possible(context: Context, plan: Plan, probe: Probe) -> tuple[Tuned | None, str]:
    """Fine-tune from the probe; where that cannot be, return None and why."""
    saved = last_checkpoint(context)
    if saved is None and (why := too_long(context, plan.settings)) is not None:
        return None, why
    if plan.again:
        context.progress.next_part(0.0, 0.5)
    try:
        tuned = fine_tuned(context, plan, saved, pretrained=True, mirrored=probe.flipped)
    except RunBroken as error:
        if error.reason != Reason.TRAINING_DIVERGED:
            raise
        return None, f"fine-tuning diverged: {error.message.rstrip('.')}"
    return tuned, ""


def too_long(context: Context, settings: FineTuning) -> str | None:
    """Return why fine-tuning is left out: not one epoch of it fits into the time that is left."""
    batch = evenly(context.split.train, settings.batch_size)

    def forward() -> float:
        started = perf_counter()
        compute_logits(context.network, batch, context.feed)
        return perf_counter() - started

    forward()  # the first also allocates
    epoch = BACKWARD_COST * forward() * steps_per_epoch(len(context.split.train), settings.batch_size)
    left = context.limits.remaining_seconds()
    if epoch <= left:
        return None
    return (
        f"fine-tuning was left out: one epoch would take about {epoch:.0f} s, and {max(0.0, left):.0f} s were left of "
        f"{context.limits.first()}"
    )


def judge_whole(
    context: Context,
    probe: Probe,
    validation: Samples,
    features: Tensor,
    judged: Evaluated,
    cache: FeatureCache | None,
) -> Learned:
    """Fit the head to training and validation samples, so that none is wasted, and return what came of it.

    Args:
        context: the run; its trunk is as it was loaded.
        probe: what was fitted to the training samples.
        validation: the others.
        features: of these, (M, D).
        judged: the probe by these.
        cache: of the trunk's features.
    """
    train, views = context.split.train, [features]
    if probe.flipped:
        views.append(
            compute_features(context.network, validation, context.feed, flip=True, cache=cache, limits=context.limits)
        )
    whole = Probe.of(
        torch.cat([probe.features, torch.stack(views)], 1),
        torch.cat([train.classes, validation.classes]),
        len(context.split.labels),
        [*train.digests, *validation.digests],
        probe.fitted.settings,
    )
    whole.fitted.head.put_on(context.network)
    held_out = [(name, samples) for name, samples in context.held_out() if name != "validation"]
    learned = judge_probe(context, whole, cache, held_out, [judged])
    learned.notes["validation"] = "judged before the head was fitted to these samples, too"
    return learned


def explained(learned: Learned, choice: Choice, context: Context) -> Learned:
    """Say what was chosen, and why."""
    context.progress.say(f"Auto: {choice.chosen}: {choice.why}.")
    return replace(learned, choice=choice, notes={"chosen by Auto": f"{choice.chosen}: {choice.why}"} | learned.notes)
