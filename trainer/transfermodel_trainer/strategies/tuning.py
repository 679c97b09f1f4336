"""FineTuning: the top of the trunk, or all of it, learns together with the head."""

import torch
from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.training.calibration import fit_temperature
from transfermodel_trainer.training.finetuning import EPOCHS, fine_tune
from transfermodel_trainer.training.inference import compute_logits
from transfermodel_trainer.training.probe import fit_probe

CALIBRATION_SAMPLES = 20
"""With fewer held-out samples a temperature says more about them than about the network."""


def tune(context: Context) -> Learned:
    """Train the top of the trunk with the head, calibrate, and judge what came of it."""
    network, training, split, feed = context.network, context.request.training, context.split, context.feed
    checkpoints, progress = context.checkpoints, context.progress
    settings = training.fine_tuning or FineTuning()
    saved = checkpoints.load(EPOCHS) if checkpoints is not None else None
    if context.backbone.pretrained and saved is None:
        # LP-FT (arXiv:2202.10054): fine-tuning from a solved head does not tear the features apart first.
        fit_probe(network, split.train, feed, progress, flip=False, cache=context.cache(), limits=context.limits)
        context.limits.fitted()
    tuned = fine_tune(
        network,
        split.train,
        feed,
        context.device,
        settings,
        training.seed,
        progress,
        validation=split.validation,
        pretrained=context.backbone.pretrained,
        checkpoints=checkpoints,
        checkpoint_seconds=training.checkpoint_interval_seconds,
        saved=saved,
        limits=context.limits,
    )
    notes = {
        "fine-tuning": f"{settings.unfreeze}, {settings.epochs} epochs, AdamW, one-cycle to "
        f"{settings.learning_rate}, batch {settings.batch_size}"
    } | tuned.notes()
    if split.validation is not None and len(split.validation) >= CALIBRATION_SAMPLES:
        temperature = fit_temperature(compute_logits(network, split.validation, feed), split.validation.classes)
        with torch.no_grad():
            network.head.weight.div_(temperature)
            network.head.bias.div_(temperature)
        notes["temperature"] = f"{temperature:.4g}, fitted on the validation set"
    progress.phase("Evaluation")
    splits = tuple(
        context.evaluated(name, samples, compute_logits(network, samples, feed, step=progress.step))
        for name, samples in context.held_out()
    )
    return Learned(splits[0], splits, tuned.history, notes, budget_exceeded=tuned.ended_by)
