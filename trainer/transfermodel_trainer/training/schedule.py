"""How fast each part of a network learns, and when."""

import math
from typing import Any, Final

import torch
from torch import nn

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.stages import stages
from transfermodel_trainer.training.recipe import USUAL, Recipe

WARM_UP: Final = 0.25
"""The part of all steps in which the learning rate rises to its peak."""
FIRST_RATE, LAST_RATE = 1 / 25, 1 / 250_000
"""Of the peak."""
LEAST_MOMENTUM, MOST_MOMENTUM = 0.85, 0.95
SGD_MOMENTUM: Final = 0.9
MANY_STEPS: Final = 100
"""With fewer a pretrained trunk learns more slowly, by the root of their part: Adam's steps are as long as the rate
however small the gradient is, and there are not enough of them to mend what the first ones broke.
"""


def one_cycle(step: int, total: int) -> tuple[float, float]:
    """Return the learning rate, as a part of its peak, and the momentum of a step, 0 <= step < total.

    One-cycle (arXiv:1708.07120) with cosine flanks: the rate rises for a quarter, then falls to almost nothing; the
    momentum does the opposite. Unlike torch's OneCycleLR it is defined for any number of steps.
    """
    warm = round(WARM_UP * total)
    if step < warm:
        share, low = (1 - math.cos(math.pi * step / warm)) / 2, FIRST_RATE
    else:
        share, low = (1 + math.cos(math.pi * (step - warm) / max(1, total - 1 - warm))) / 2, LAST_RATE
    return low + (1 - low) * share, MOST_MOMENTUM - (MOST_MOMENTUM - LEAST_MOMENTUM) * share


def optimizer_of(
    network: Network, total: int, peak: float, recipe: Recipe, *, pretrained: bool
) -> torch.optim.Optimizer:
    """Return what learns all parameters that may, at a peak rate of the head in so many steps."""
    groups = parameter_groups(network, total, pretrained=pretrained, recipe=recipe)
    if recipe.optimizer == "SGD":
        return torch.optim.SGD(groups, lr=peak, momentum=SGD_MOMENTUM, fused=True)
    return torch.optim.AdamW(groups, lr=peak, fused=True)


def parameter_groups(
    network: Network, total: int, *, pretrained: bool, recipe: Recipe | None = None
) -> list[dict[str, Any]]:
    """Return the parameters that learn, by stage: `scale` is their part of the head's rate in so many steps.

    Biases and normalisations have no weight decay. A trunk from scratch learns as fast as its head.
    """
    sequence, recipe = stages(network), recipe or USUAL
    scales = {id(parameter): 1.0 for parameter in network.parameters()}
    if pretrained:
        rate = recipe.trunk_rate * min(1.0, total / MANY_STEPS) ** 0.5
        # What belongs to no stage, such as a class token, goes with the first.
        first = rate * recipe.stage_decay ** (len(sequence) - 1)
        scales |= {id(parameter): first for parameter in network.trunk.parameters()}
        for number, stage in enumerate(reversed(sequence)):
            members = {id(parameter) for module in stage for parameter in module.parameters()}
            scales |= dict.fromkeys(members, rate * recipe.stage_decay**number)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((scales[id(parameter)], decay), []).append(parameter)
    return [{"params": members, "weight_decay": decay, "scale": scale} for (scale, decay), members in groups.items()]


def set_rates(optimizer: torch.optim.Optimizer, step: int, total: int, peak: float) -> float:
    """Set every group's rate, and AdamW's momentum, for a step; return the head's rate."""
    share, momentum = one_cycle(step, total)
    for group in optimizer.param_groups:
        group["lr"] = peak * share * group["scale"]
        if "betas" in group:
            group["betas"] = (momentum, 0.999)
    return peak * share
