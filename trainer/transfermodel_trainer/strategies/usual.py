"""How Auto fine-tunes where the spec does not say: what pays was measured (docs/decisions/fine-tuning.md)."""

from dataclasses import dataclass
from typing import Final

from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.training.batches import steps_per_epoch
from transfermodel_trainer.training.recipe import FEW_IMAGES, USUAL, Recipe

STEPS: Final = 400
"""More passes over little data, fewer over much."""
LEAST_EPOCHS, MOST_EPOCHS = 3, 10
FEW: Final = 320
"""Up to so many images are few: ten passes over them are not yet what their own recipe takes."""
FEW_STEPS, FEW_BATCH_SIZE, FEW_RATE = 200, 16, "0.003"


@dataclass(frozen=True)
class Plan:
    """How to fine-tune."""

    settings: FineTuning
    recipe: Recipe = USUAL
    again: bool = False
    """Whether the network that is chosen learns once more, from all samples: of few, none is to be wasted."""


def plan_of(context: Context) -> Plan:
    """Return what the spec says, or else what is usual for such data."""
    asked = context.request.training.fine_tuning
    if asked is not None:
        return Plan(asked)
    return usual_plan(len(context.split.train), images=context.mirrors, pretrained=context.backbone.pretrained)


def usual_plan(count: int, *, images: bool, pretrained: bool) -> Plan:
    """Return how to fine-tune on so many samples."""
    usual = FineTuning(unfreeze="All")
    if images and pretrained and count <= FEW:
        epochs = -(-FEW_STEPS // steps_per_epoch(count, FEW_BATCH_SIZE))
        few = {"epochs": epochs, "batch_size": FEW_BATCH_SIZE, "learning_rate": FEW_RATE}
        return Plan(usual.model_copy(update=few), FEW_IMAGES, again=True)
    epochs = round(STEPS * usual.batch_size / count)
    return Plan(usual.model_copy(update={"epochs": max(LEAST_EPOCHS, min(MOST_EPOCHS, epochs))}))
