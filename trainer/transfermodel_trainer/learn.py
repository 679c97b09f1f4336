"""Learning and judging: from fetched data to a network that is ready to be published."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transfermodel_operator.api import RunRequest, RunResult
from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer import machine
from transfermodel_trainer.backbones import load as backbones
from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.data.fetch import Fetched
from transfermodel_trainer.data.images import Images, Normalise, evenly
from transfermodel_trainer.data.split import Split, split_up
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.evaluation.metrics import measure
from transfermodel_trainer.evaluation.samples_curve import samples_curve
from transfermodel_trainer.evaluation.served import SCORED_SAMPLES, check_served
from transfermodel_trainer.evaluation.summary import Evaluated, Learned
from transfermodel_trainer.inputs import Inputs
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.publishing.artifact import describe, write_artifact
from transfermodel_trainer.publishing.export import CHECKED_SAMPLES, check_export, export_onnx
from transfermodel_trainer.publishing.output import RunFolder
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.training.calibration import fit_temperature
from transfermodel_trainer.training.device import Device, choose_device
from transfermodel_trainer.training.finetuning import EPOCHS, fine_tune
from transfermodel_trainer.training.inference import compute_features, compute_logits
from transfermodel_trainer.training.probe import fit_probe
from transfermodel_trainer.training.rows import Rows

CALIBRATION_SAMPLES = 20
"""With fewer held-out samples a temperature says more about them than about the network."""


@dataclass(frozen=True)
class Trained:
    """A network that learned and was measured, in memory."""

    backbone: LoadedBackbone
    learned: Learned
    split: Split
    spool: Spool
    folder: Path
    device: Device
    normalise: Normalise

    def publish(self, request: RunRequest, found: Inputs, output: RunFolder, progress: Progress) -> RunResult:
        """Export, check, upload; return the result that stands.

        Raises:
            RunError: ExportMismatch or OutputNotWritable; nothing is published then.
        """
        progress.phase("Publishing")
        network, threads = self.backbone.network, machine.threads()
        description = describe(request, self.backbone, self.split.labels)
        judged = evenly(self.learned.headline.images, SCORED_SAMPLES)
        # Leave-one-out logits are of other heads: the network's own are what serving must repeat.
        logits = compute_logits(network, judged, self.normalise, self.device)
        model = export_onnx(network, description.preprocessing.size, self.folder / "model.onnx")
        progress.step(0.2)
        cpu = Normalise(description.preprocessing, torch.device("cpu"))
        check_export(model, network, cpu(evenly(judged, CHECKED_SAMPLES).pixels), threads)
        scored = check_served(
            model, description, judged, self.spool, logits, threads, lambda done: progress.step(0.2 + 0.4 * done)
        )
        progress.say(
            f"The exported model agrees with the trained one on {scored} samples, decoded and run as in serving."
        )
        target = self.folder / "artifact"
        record = RunRecord(request, description, self.learned, self.split, self.device.name)
        digest = write_artifact(target, model, self.backbone, record)
        uri = output.publish(target, digest)
        progress.step(0.95)
        warnings = list(self.split.warnings)
        if self.device.warning:
            warnings.insert(0, self.device.warning)
        progress.stop()
        return output.conclude(
            RunResult(
                run=request.run,
                inputs_digest=found.digest,
                data_digest=found.data_digest,
                uri=uri,
                digest=digest,
                metrics=self.learned.headline.metrics.headline(),
                metrics_split="validation" if self.learned.estimated else "test",
                estimated=self.learned.estimated,
                counts=self.split.counts(),
                seconds={phase: round(spent, 3) for phase, spent in progress.seconds.items()}
                | {"total": round(progress.elapsed(), 3)},
                device=self.device.name,
                base_digest=request.backbone.base.digest if request.backbone.base else None,
                warnings=warnings,
            )
        )


def learn(
    request: RunRequest,
    inputs_digest: str,
    environment: Mapping[str, str],
    fetching: "Future[list[Fetched]]",
    spool: Spool,
    folder: Path,
    checkpoints: Checkpoints | None,
    progress: Progress,
) -> Trained:
    """Train and evaluate.

    Raises:
        RunError: whatever is wrong with backbone or data, or TrainingDiverged.
    """
    device = choose_device(request.gpus)
    progress.say(f"Computing on {device.name}, {torch.get_num_threads()} threads. {device.warning or ''}".rstrip())
    if checkpoints is not None:
        checkpoints.open(request, inputs_digest, device.name)
    plan = backbones.plan(
        request.backbone, environment, folder, machine.cache_folder(), allow_named_weights=request.allow_named_weights
    )
    fetched = fetching.result()
    labels = fetched[0].classes.labels
    torch.manual_seed(request.training.seed)
    backbone = plan.load(len(labels))
    split = split_up(request, fetched, spool, backbone.preprocessing, folder, progress)
    for warning in split.warnings:
        progress.say(f"Warning: {warning}")
    progress.phase("Backbone")
    normalise = Normalise(backbone.preprocessing, device.torch)
    backbone.network.to(device.torch).to(memory_format=normalise.memory_format)
    strategy = _extract if request.training.strategy == "FeatureExtraction" else _fine_tune
    learned = strategy(request, backbone, split, normalise, device, checkpoints, progress)
    metrics = learned.headline.metrics
    progress.say(
        f"Accuracy {metrics.accuracy:.4f} ({metrics.low:.4f} to {metrics.high:.4f}) on {learned.headline.split}, "
        f"{metrics.count} samples."
    )
    return Trained(backbone, learned, split, spool, folder, device, normalise)


def _extract(
    request: RunRequest,
    backbone: LoadedBackbone,
    split: Split,
    normalise: Normalise,
    device: Device,
    checkpoints: Checkpoints | None,
    progress: Progress,
) -> Learned:
    """Solve for the head on the frozen trunk's features, and judge it by theirs."""
    network = backbone.network
    probe = fit_probe(network, split.train, normalise, device, progress, checkpoints=checkpoints)
    ridge = probe.ridge
    progress.phase("Evaluation")
    splits: list[Evaluated] = []
    features: dict[str, Tensor] = {}
    for name, images in _held_out(split):
        rows = Rows(checkpoints, name, len(images))
        features[name] = compute_features(network, images, normalise, device, rows=rows, step=progress.step)
        logits = features[name] @ ridge.head.weight.T + ridge.head.bias
        splits.append(_evaluated(name, images, logits, split.labels))
    splits.append(_evaluated("leave-one-out", split.train, ridge.left_out_logits, split.labels))
    headline = splits[0]
    judged = (features[headline.split], headline.images.classes) if features else None
    curve = samples_curve(
        probe.features,
        split.train.classes,
        len(split.labels),
        judged,
        headline.metrics.accuracy,
        request.training.seed,
    )
    notes = {
        "head": f"ridge regression, penalty {ridge.penalty:.4g} chosen by leave-one-out",
        "mirrored views": "used" if probe.flipped else "not used",
    }
    if curve:
        by = headline.split if judged else "the training samples that were not drawn, all samples by leave-one-out"
        notes["samples per class"] = f"heads fitted on fewer samples, drawn several times, are judged by {by}"
    return Learned(headline, tuple(splits), (), notes, curve)


def _fine_tune(
    request: RunRequest,
    backbone: LoadedBackbone,
    split: Split,
    normalise: Normalise,
    device: Device,
    checkpoints: Checkpoints | None,
    progress: Progress,
) -> Learned:
    """Train the top of the trunk with the head, calibrate, and judge what came of it."""
    network, training = backbone.network, request.training
    settings = training.fine_tuning or FineTuning()
    saved = checkpoints.load(EPOCHS) if checkpoints is not None else None
    if backbone.pretrained and saved is None:
        # LP-FT (arXiv:2202.10054): fine-tuning from a solved head does not tear the features apart first.
        fit_probe(network, split.train, normalise, device, progress, flip=False, checkpoints=checkpoints)
    history = fine_tune(
        network,
        split.train,
        normalise,
        device,
        settings,
        training.seed,
        progress,
        validation=split.validation,
        checkpoints=checkpoints,
        saved=saved,
    )
    notes = {
        "fine-tuning": f"{settings.unfreeze}, {settings.epochs} epochs, AdamW, one-cycle to "
        f"{settings.learning_rate}, batch {settings.batch_size}"
    }
    if split.validation is not None and len(split.validation) >= CALIBRATION_SAMPLES:
        temperature = fit_temperature(
            compute_logits(network, split.validation, normalise, device), split.validation.classes
        )
        with torch.no_grad():
            network.head.weight.div_(temperature)
            network.head.bias.div_(temperature)
        notes["temperature"] = f"{temperature:.4g}, fitted on the validation set"
    progress.phase("Evaluation")
    splits = tuple(
        _evaluated(name, images, compute_logits(network, images, normalise, device, step=progress.step), split.labels)
        for name, images in _held_out(split)
    )
    return Learned(splits[0], splits, tuple(history), notes)


def _held_out(split: Split) -> list[tuple[str, Images]]:
    """Return what to judge by; the headline first: test, then validation."""
    return [(name, images) for name, images in (("test", split.test), ("validation", split.validation)) if images]


def _evaluated(name: str, images: Images, logits: Tensor, labels: tuple[str, ...]) -> Evaluated:
    return Evaluated(name, images, logits, measure(logits, images.classes, labels))
