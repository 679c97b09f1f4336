"""FineTuning: the top of the trunk, or all of it, learns together with the head."""

from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer.checkpoints import Saved
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.evaluation.summary import Evaluated, Learned
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.strategies.extraction import solve_head
from transfermodel_trainer.strategies.usual import Plan
from transfermodel_trainer.training import temperature
from transfermodel_trainer.training.finetuning import EPOCHS, Tuned, fine_tune
from transfermodel_trainer.training.inference import compute_logits


def tune(context: Context) -> Learned:
    """Train the top of the trunk with the head, calibrate, and judge what came of it."""
    plan, pretrained = Plan(context.request.training.fine_tuning or FineTuning()), context.backbone.pretrained
    saved = last_checkpoint(context)
    mirrored = False
    if pretrained and saved is None:
        # LP-FT (arXiv:2202.10054): fine-tuning from a solved head does not tear the features apart first.
        mirrored = solve_head(context, context.cache()).flipped
    tuned = fine_tuned(context, plan, saved, pretrained=pretrained, mirrored=mirrored)
    calibration = calibrate(context)
    return judge_tuned(context, plan, tuned, calibration)


def last_checkpoint(context: Context, name: str = EPOCHS) -> Saved | None:
    """Return how far an interrupted run came with fine-tuning, if one did; name: of the checkpoint."""
    return context.checkpoints.load(name) if context.checkpoints is not None else None


def fine_tuned(
    context: Context,
    plan: Plan,
    saved: Saved | None,
    *,
    pretrained: bool,
    mirrored: bool,
    everything: Samples | None = None,
    name: str = EPOCHS,
) -> Tuned:
    """Train the network of the run on its training samples. Raises as `fine_tune`, whose arguments these are.

    everything: to train on instead; nothing is held out then.
    """
    training = context.request.training
    return fine_tune(
        context.network,
        context.split.train if everything is None else everything,
        context.feed,
        context.device,
        plan.settings,
        training.seed,
        context.progress,
        validation=context.split.validation if everything is None else None,
        pretrained=pretrained,
        mirrored=mirrored,
        checkpoints=context.checkpoints,
        checkpoint_seconds=training.checkpoint_interval_seconds,
        saved=saved,
        limits=context.limits,
        recipe=plan.recipe,
        name=name,
    )


def calibrate(context: Context) -> float | None:
    """Divide the head by the temperature that the validation set asks for, and return it; None where it is small."""
    return temperature.calibrate(context.network, context.split.validation, context.feed)


def judge_tuned(
    context: Context, plan: Plan, tuned: Tuned, calibration: float | None, known: Evaluated | None = None
) -> Learned:
    """Return what came of fine-tuning.

    Args:
        context: the run; its network is what came of it.
        plan: how it was done.
        tuned: what it came to.
        calibration: the temperature of its head.
        known: what the validation set said, where the network learned from that later.
    """
    settings = plan.settings
    notes = {
        "fine-tuning": f"{settings.unfreeze}, {settings.epochs} epochs, {plan.recipe.optimizer}, one-cycle to "
        f"{settings.learning_rate}, batch {settings.batch_size}"
    }
    context.progress.phase("Evaluation")
    splits = tuple(
        context.evaluated(
            name, samples, compute_logits(context.network, samples, context.feed, step=context.progress.step)
        )
        for name, samples in context.held_out()
        if known is None or name != known.split
    )
    splits = splits if known is None else (*splits, known)
    return Learned(
        splits[0],
        splits,
        tuned.history,
        notes | tuned.notes() | temperature.notes(calibration),
        budget_exceeded=tuned.ended_by,
        strategy="FineTuning",
    )
