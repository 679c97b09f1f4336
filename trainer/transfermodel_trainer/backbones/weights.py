"""From a file of tensors to a trunk's weights: what does not fit is named, and no pickle is ever read."""

from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.errors import RunError, listed


def read_safetensors(path: Path, source: str) -> dict[str, Tensor]:
    """Return the tensors of the file; half precision is widened to float32.

    Raises:
        RunError: WeightsMismatch when it is not a safetensors file.
    """
    try:
        state = load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise RunError(
            Reason.WEIGHTS_MISMATCH,
            f"{source} is not a readable .safetensors file ({error}): store it anew with safetensors.",
        ) from error
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def load_trunk(network: Network, state: dict[str, Tensor], source: str) -> None:
    """Load a library's state dict into the trunk; the classifier is dropped, everything else must fit.

    Raises:
        RunError: WeightsMismatch, naming the first tensors that are missing, unexpected or misshapen.
    """
    given = network.of_trunk(state)
    module = network.library_weights()
    wanted = module.state_dict()
    # Files written before PyTorch counted batches lack this counter, which inference never reads.
    missing = sorted(key for key in wanted.keys() - given.keys() if not key.endswith("num_batches_tracked"))
    unexpected = sorted(given.keys() - wanted.keys())
    misshapen = [
        f"{key} is {_shape(given[key])} and should be {_shape(wanted[key])}"
        for key in wanted
        if key in given and given[key].shape != wanted[key].shape
    ]
    problems = []
    if missing:
        problems.append(f"missing: {listed(_in_order(missing, wanted), 3)}")
    if unexpected:
        problems.append(f"unexpected: {listed(unexpected, 3)}")
    if misshapen:
        problems.append(f"misshapen: {listed(misshapen, 3)}")
    if problems:
        library = network.name.partition("/")[0]
        fixed = any("pos_embed" in text or "position" in text for text in misshapen)
        remedy = (
            f" This architecture has a fixed input size: set spec.backbone.input.size to that of the weights "
            f"({network.sizes})."
            if fixed
            else f" Name the architecture that the weights were made for, with {library}'s own tensor names."
        )
        raise RunError(Reason.WEIGHTS_MISMATCH, f"{source} does not fit {network.name}: {'; '.join(problems)}.{remedy}")
    with torch.no_grad():
        module.load_state_dict(given, strict=False)


def _in_order(keys: list[str], wanted: dict[str, Tensor]) -> list[str]:
    chosen = set(keys)
    return [key for key in wanted if key in chosen]


def _shape(tensor: Tensor) -> str:
    return "x".join(str(length) for length in tensor.shape) or "a single number"
