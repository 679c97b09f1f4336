"""FineTuning: the top of the trunk, or all of it, learns together with the head."""

from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer.checkpoints import Saved
from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.strategies.extraction import solve_head
from transfermodel_trainer.training import temperature
from transfermodel_trainer.training.finetuning import EPOCHS, Tuned, fine_tune
from transfermodel_trainer.training.inference import compute_logits


def tune(context: Context) -> Learned:
    """Train the top of the trunk with the head, calibrate, and judge what came of it."""
    settings, pretrained = context.request.training.fine_tuning or FineTuning(), context.backbone.pretrained
    saved = last_checkpoint(context)
    mirrored = False
    if pretrained and saved is None:
        # LP-FT (arXiv:2202.10054): fine-tuning from a solved head does not tear the features apart first.
        mirrored = solve_head(context, context.cache()).flipped
    tuned = fine_tuned(context, settings, saved, pretrained=pretrained, mirrored=mirrored)
    calibration = calibrate(context)
    return judge_tuned(context, settings, tuned, calibration)


def last_checkpoint(context: Context) -> Saved | None:
    """Return how far an interrupted run came with fine-tuning, if one did."""
    return context.checkpoints.load(EPOCHS) if context.checkpoints is not None else None


def fine_tuned(
    context: Context, settings: FineTuning, saved: Saved | None, *, pretrained: bool, mirrored: bool
) -> Tuned:
    """Train the network of the run on its training samples. Raises as `fine_tune`, whose arguments these are."""
    training = context.request.training
    return fine_tune(
        context.network,
        context.split.train,
        context.feed,
        context.device,
        settings,
        training.seed,
        context.progress,
        validation=context.split.validation,
        pretrained=pretrained,
        mirrored=mirrored,
        checkpoints=context.checkpoints,
        checkpoint_seconds=training.checkpoint_interval_seconds,
        saved=saved,
        limits=context.limits,
    )


def calibrate(context: Context) -> dict[str, str]:
    """Divide the head by the temperature that the validation set asks for; return what to say of it."""
    return temperature.calibrate(context.network, context.split.validation, context.feed)


def judge_tuned(context: Context, settings: FineTuning, tuned: Tuned, calibration: dict[str, str]) -> Learned:
    """Return what came of fine-tuning."""
    notes = {
        "fine-tuning": f"{settings.unfreeze}, {settings.epochs} epochs, AdamW, one-cycle to "
        f"{settings.learning_rate}, batch {settings.batch_size}"
    }
    context.progress.phase("Evaluation")
    splits = tuple(
        context.evaluated(
            name, samples, compute_logits(context.network, samples, context.feed, step=context.progress.step)
        )
        for name, samples in context.held_out()
    )
    return Learned(
        splits[0],
        splits,
        tuned.history,
        notes | tuned.notes() | calibration,
        budget_exceeded=tuned.ended_by,
        strategy="FineTuning",
    )
