"""What a run was made with, as far as training depends on it."""

import os

import torch
from transfermodel_trainer.training.device import Device

from tests.bench import surroundings
from tests.bench.documents import Wire

DISTRIBUTIONS = ("torch", "torchvision", "numpy", "scikit-learn", "transformers")


def facts(device: Device) -> Wire:
    """Return versions, processor, threads, load and date."""
    return surroundings.facts(DISTRIBUTIONS) | {
        "threads": torch.get_num_threads(),
        "threadsWait": os.environ.get("OMP_WAIT_POLICY", "by the library's default"),
        "device": device.name,
    }
