"""One trial: make a model by its settings and judge it. Runs in the trial's process."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.limits import Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.search.shared import Shared, of_network
from transfermodel_trainer.search.space import FINE_TUNING, Parameters, head_settings, tuning_settings
from transfermodel_trainer.search.trials import Trial
from transfermodel_trainer.training.calibration import fit_temperature
from transfermodel_trainer.training.device import Device, choose_device
from transfermodel_trainer.training.feeds import Feed, feed_of
from transfermodel_trainer.training.finetuning import fine_tune
from transfermodel_trainer.training.heads import fit_head
from transfermodel_trainer.training.inference import compute_logits
from transfermodel_trainer.training.linear_head import FittedHead, LinearHead
from transfermodel_trainer.training.temperature import calibrate

QUARTERS = 4
GoOn = Callable[[dict[int, float]], bool]
"""Losses after each quarter of the epochs so far -> whether the trial is worth finishing."""


class Pruned(Exception):
    """Others were better when they were as far."""


@dataclass(frozen=True)
class Made:
    """What a trial made."""

    facts: dict[str, Any]
    """Fields of a Trial, as JSON."""
    tensors: dict[str, Tensor]
    """The model, and `losses` (M,) of the samples that it was judged by."""


class Trier:
    """Makes models, one after the other, from what all trials share."""

    def __init__(self, shared: Shared) -> None:
        """Read what there is."""
        self.shared, self.setup = shared, shared.setup()
        self.device: Device = choose_device(self.setup.gpus)
        torch.set_num_threads(self.setup.threads)
        train = shared.samples("train")
        if train is None:
            raise FileNotFoundError(f"{shared.folder} holds no training samples")
        self.train: Samples = train
        self.validation = shared.samples("validation")

    @cached_property
    def feed(self) -> Feed:
        """What stands between rows and the network."""
        return feed_of(self.setup.settled(), self.device.torch)

    @cached_property
    def network(self) -> Network:
        """The network, with the weights of the last trial."""
        network = self.shared.network(self.setup)
        return network.to(self.device.torch).to(memory_format=self.feed.memory_format)

    def make(
        self, method: str, settings: Parameters, limits: Limits, go_on: GoOn, step: Callable[[float], None]
    ) -> Made:
        """Return what came of settings.

        Raises:
            Pruned: `go_on` said no.
            RunError: TrainingDiverged, or what a limit leaves undone.
        """
        if method == FINE_TUNING:
            return self._tuned(settings, limits, go_on, step)
        return self._head(method, settings)

    def _head(self, method: str, settings: Parameters) -> Made:
        views, judged = self.shared.features("train"), self.shared.features("validation")
        if views is None:
            raise FileNotFoundError(f"{self.shared.folder} holds no features")
        chosen = views if settings["views"] == "mirrored" else views[:1]
        fitted = fit_head(
            chosen, self.train.classes, self.setup.classes, self.train.digests, head_settings(method, settings)
        )
        if judged is None or self.validation is None:
            return made_of(fitted, settings, fitted.left_out_logits, self.train.classes)
        return made_of(fitted, settings, fitted.head(judged[0]), self.validation.classes)

    def _tuned(self, parameters: Parameters, limits: Limits, go_on: GoOn, step: Callable[[float], None]) -> Made:
        if self.validation is None:
            raise FileNotFoundError(f"{self.shared.folder} holds no validation samples")
        settings, recipe = tuning_settings(parameters)
        network, steps = self.network, dict[int, float]()
        network.load_state_dict(self.shared.start())

        def watch(epoch: int, loss: float) -> None:
            step(epoch / settings.epochs)
            quarter = QUARTERS * epoch // settings.epochs
            if 0 < quarter < QUARTERS:
                steps[quarter] = loss
                if not go_on(steps):
                    raise Pruned

        tuned = fine_tune(
            network,
            self.train,
            self.feed,
            self.device,
            settings,
            self.setup.seed,
            Progress(quiet=True),
            validation=self.validation,
            pretrained=self.setup.pretrained,
            mirrored=self.setup.mirrored,
            limits=limits,
            recipe=recipe,
            watch=watch,
        )
        calibration = calibrate(network, self.validation, self.feed)
        verdict, tensors = judge(compute_logits(network, self.validation, self.feed), self.validation.classes)
        facts = {
            "epochs": len(tuned.history),
            "steps": steps,
            "found": {
                "history": [asdict(epoch) for epoch in tuned.history],
                "kept_epoch": tuned.kept_epoch,
                "ended_by": tuned.ended_by,
                "calibration": calibration,
            },
        }
        if tuned.ended_by is not None:
            facts["state"] = "Stopped"
        weights = {f"weight {name}": tensor for name, tensor in of_network(network).items()}
        return Made(verdict | facts, tensors | weights)


def made_of(fitted: FittedHead, settings: Parameters, logits: Tensor, classes: Tensor) -> Made:
    """Return what came of a head.

    Args:
        fitted: the head.
        settings: that it was fitted by.
        logits: (M, K), of the samples that it is judged by.
        classes: (M,) of these.
    """
    verdict, tensors = judge(logits, classes)
    found = {
        "penalty": fitted.penalty,
        "factor": fitted.factor,
        "temperature": fitted.temperature,
        "accuracy": fitted.accuracy,
        "cross_entropy": fitted.cross_entropy,
        "asked": fitted.settings.penalty,
    }
    # As a suggestion would name it, so that the sampler learns from what leave-one-out found, too.
    parameters = {**settings, "penalty": float(f"{fitted.factor:.12g}")}
    tensors |= {"weight": fitted.head.weight, "bias": fitted.head.bias, "left out": fitted.left_out_logits}
    return Made({**verdict, "parameters": parameters, "found": found}, tensors)


def head_of(trial: Trial, tensors: Mapping[str, Tensor]) -> FittedHead:
    """Return the head that `made_of` told of."""
    found, settings = trial.found, head_settings(trial.method, trial.parameters)
    return FittedHead(
        LinearHead(tensors["weight"], tensors["bias"]),
        tensors["left out"],
        replace(settings, penalty=found["asked"]),
        found["penalty"],
        found["factor"],
        found["temperature"],
        found["accuracy"],
        found["cross_entropy"],
    )


def judge(logits: Tensor, classes: Tensor) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what to say of logits (N, K), and the loss of each sample once they are calibrated, (N,).

    Calibrated on these samples, whatever made them: so what is compared is what a head or a network knows.
    """
    calibrated = logits.double() / fit_temperature(logits, classes)
    losses = nn.functional.cross_entropy(calibrated, classes, reduction="none")
    accuracy = float((logits.argmax(1) == classes).double().mean())
    return {"state": "Complete", "loss": float(losses.mean()), "accuracy": accuracy}, {"losses": losses}


def of_tensors(tensors: Mapping[str, Tensor], prefix: str = "weight ") -> dict[str, Tensor]:
    """Return the network's weights among the tensors of a trial."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
