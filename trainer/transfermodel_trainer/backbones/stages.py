"""A trunk as a sequence of stages, so that `LastStages` means the same kind of thing for every family.

| family | stages, first to last |
|---|---|
| resnet, resnext, wide_resnet | stem, layer1 .. layer4 |
| regnet | stem, block1 .. block4 |
| shufflenet | stem, stage2, stage3, stage4, conv5 |
| vit, maxvit | stem, one per encoder block |
| convnext, swin | one per block group and per downsampling |
| efficientnet, mobilenet, mnasnet | stem, one per (group of) inverted residual blocks, last convolution |
| densenet | stem, one per dense block with its transition |
| squeezenet, googlenet, inception | one per convolution or fire / inception module |
| vgg, alexnet | one per convolution with its normalisation, then one for the hidden linear layers |
| of timm | by the same rules: stem, then one per block, or per stage where a family has stages |
| text encoders | embeddings, then one per encoder layer |

Modules without weights, and lone normalisations, belong to the stage before them.
"""

from torch import nn
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.trunk import Stages
from transfermodel_trainer.errors import RunError

# Where a family keeps its blocks, when they are not the trunk's own children.
CONTAINERS = ("features", "layers", "trunk_output", "blocks", "stages", "encoder.layers")
NORMALISATIONS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


def walk(trunk: nn.Module) -> Stages:
    """Return the stages of a trunk of images.

    Parameters of the trunk itself (a ViT's class token and positions) belong to none: they count as the stem's.
    """
    found: Stages = []
    for name, module in _flat(trunk, ""):
        weights = list(module.parameters())
        joins = not weights or isinstance(module, NORMALISATIONS) or "transition" in name or _only_normalises(module)
        if found and joins:
            found[-1].append(module)
        elif weights:
            found.append([module])
    return found


def stages(network: Network) -> Stages:
    """Return the trunk's stages in the order of computation."""
    return network.stages


def unfreeze_last(network: Network, count: int) -> list[nn.Module]:
    """Freeze the trunk but for its last `count` stages; return the modules that stay frozen.

    Raises:
        RunError: InvalidSpec when the trunk has no more stages than that.
    """
    sequence = stages(network)
    if count >= len(sequence):
        raise RunError(
            Reason.INVALID_SPEC,
            f"spec.training.fineTuning.stages {count}: {network.name} has {len(sequence)} stages; "
            f"set at most {len(sequence) - 1}, or unfreeze: All.",
        )
    network.requires_grad_(False)
    network.head.requires_grad_(True)
    for stage in sequence[-count:]:
        for module in stage:
            module.requires_grad_(True)
    return [module for stage in sequence[:-count] for module in stage]


def _flat(module: nn.Module, prefix: str) -> list[tuple[str, nn.Module]]:
    """Return the trunk's children, with the containers among them replaced by what they contain."""
    found: list[tuple[str, nn.Module]] = []
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        if path in CONTAINERS or any(container.startswith(f"{path}.") for container in CONTAINERS):
            found += _flat(child, f"{path}.")
        else:
            found.append((path, child))
    return found


def _only_normalises(module: nn.Module) -> bool:
    holders = [m for m in module.modules() if next(m.parameters(recurse=False), None) is not None]
    return bool(holders) and all(isinstance(m, NORMALISATIONS) for m in holders)
