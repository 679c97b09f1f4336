"""The temperature of a network that was fine-tuned."""

from typing import Final

import torch

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.training.calibration import fit_temperature
from transfermodel_trainer.training.feeds import Feed
from transfermodel_trainer.training.inference import compute_logits

CALIBRATION_SAMPLES: Final = 20
"""With fewer held-out samples a temperature says more about them than about the network."""


def calibrate(network: Network, validation: Samples | None, feed: Feed) -> float | None:
    """Divide the head by the temperature that the validation set asks for, and return it; None where it is small."""
    if validation is None or len(validation) < CALIBRATION_SAMPLES:
        return None
    temperature = fit_temperature(compute_logits(network, validation, feed), validation.classes)
    divide(network, temperature)
    return temperature


def divide(network: Network, temperature: float | None) -> None:
    """Divide the head by a temperature, where there is one."""
    if temperature is not None:
        with torch.no_grad():
            network.head.weight.div_(temperature)
            network.head.bias.div_(temperature)


def notes(temperature: float | None) -> dict[str, str]:
    """Return what to say of it."""
    return {} if temperature is None else {"temperature": f"{temperature:.4g}, fitted on the validation set"}
