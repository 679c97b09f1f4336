"""Whose a checkpoint is, and on what kind of machine it was written."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.spec.training import ALIKE

FORMAT = 2
"""To be raised with any change of the training after which a checkpoint cannot be taken up."""
LIBRARIES = ("numpy", "pillow", "torch", "torchvision")
"""With another version of these the same inputs may give other bits."""
NOT_LEARNING = ("maxDurationSeconds", "checkpointIntervalSeconds", "budget")
"""Fields of spec.training that say how long, not what is learned: an edit of them goes on from where it was."""


def identity(request: RunRequest, inputs_digest: str) -> dict[str, Any]:
    """Return what must be equal for a checkpoint to be of this run."""
    wire = request.to_wire()
    training = {key: value for key, value in request.training.to_wire().items() if key not in NOT_LEARNING}
    search = request.training.search
    if search is not None and search.max_parallel <= ALIKE:
        training["search"] = search.model_copy(update={"max_parallel": 1}).to_wire()
    return {
        "format": FORMAT,
        "run": request.run,
        "data": [wire["data"], inputs_digest],
        "backbone": wire["backbone"],
        "training": training,
    }


def this_machine(device: str) -> dict[str, Any]:
    """Return what must be equal, too, for the resumed run to end with the same bits as one that was never interrupted.

    Another number of threads, or another instruction set, adds up numbers in another order.
    """
    import torch

    return {
        "device": device,
        "threads": torch.get_num_threads(),
        "instruction set": torch.backends.cpu.get_cpu_capability(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ."""
    return [key for key, value in ours.items() if theirs.get(key) != value]
