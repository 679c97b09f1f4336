"""The network that Auto chose learns once more, from all samples: of few, none is to be wasted."""

from dataclasses import replace
from typing import Final

from torch import Tensor
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones.network import weights_of
from transfermodel_trainer.data.samples import joined
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.evaluation.summary import Evaluated, Learned
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.strategies.tuning import fine_tuned, judge_tuned, last_checkpoint
from transfermodel_trainer.strategies.usual import Plan
from transfermodel_trainer.training import temperature
from transfermodel_trainer.training.finetuning import Tuned

AGAIN: Final = "again"
"""Name of the checkpoint."""


def learn_again(
    context: Context,
    plan: Plan,
    trunk: dict[str, Tensor],
    tuned: Tuned,
    calibration: float | None,
    judged: Evaluated,
    *,
    mirrored: bool,
) -> Learned:
    """Train from the start on training and validation samples, by the same plan, and judge what came of it.

    Where time ends before that is done, the network stays the one that was chosen.

    Args:
        context: the run; its network is the one that was chosen.
        plan: that it was made by.
        trunk: weights as they were loaded.
        tuned: what came of it.
        calibration: the temperature that its head was divided by.
        judged: what the validation set said of it.
        mirrored: whether a mirrored image may be one of the same class.
    """
    network = context.network
    chosen = weights_of(network)
    context.progress.say("Fine-tuning once more, on the validation samples too.")
    network.trunk.load_state_dict(trunk)
    context.progress.next_part(0.5, 1.0)
    try:
        again = fine_tuned(
            context,
            plan,
            last_checkpoint(context, AGAIN),
            pretrained=True,
            mirrored=mirrored,
            everything=joined(context.split.train, judged.samples),
            name=AGAIN,
        )
        ended_by, failed = again.ended_by, again.ended_by is not None
    except RunBroken as error:
        if error.reason != Reason.TRAINING_DIVERGED:
            raise
        ended_by, failed = None, True
    if failed:
        network.load_state_dict(chosen)
        return judge_tuned(context, plan, replace(tuned, ended_by=ended_by), calibration)
    temperature.divide(network, calibration)
    # The history is that of the network that was compared; which of its weights were kept says nothing of this one.
    learned = judge_tuned(context, plan, replace(tuned, kept_epoch=len(tuned.history)), calibration, judged)
    learned.notes["validation"] = "judged before the network learned once more, from these samples too"
    return learned
