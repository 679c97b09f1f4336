"""Learning and judging: from fetched data to a network that is ready to be published."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transfermodel_operator.api import RunRequest, RunResult
from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.storage import Storage
from transfermodel_predictor.inference.pipelines import pipeline_of

from transfermodel_trainer import machine
from transfermodel_trainer.backbones import load as backbones
from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.data.fetch import Fetched
from transfermodel_trainer.data.samples import Samples, evenly
from transfermodel_trainer.data.split import Split, split_up
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.evaluation.served import SCORED_SAMPLES, check_served
from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.inputs import Inputs
from transfermodel_trainer.limits import Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.publishing.artifact import describe, write_artifact
from transfermodel_trainer.publishing.export import CHECKED_SAMPLES, check_export, export_onnx
from transfermodel_trainer.publishing.int8 import Int8, in_words, make_int8, not_made, timeless
from transfermodel_trainer.publishing.output import RunFolder
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.strategies import STRATEGIES
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.training.device import Device, choose_device
from transfermodel_trainer.training.feeds import Feed, feed_of
from transfermodel_trainer.training.inference import compute_logits


@dataclass(frozen=True)
class Trained:
    """A network that learned and was measured, in memory."""

    backbone: LoadedBackbone
    learned: Learned
    split: Split
    spool: Spool
    folder: Path
    device: Device
    feed: Feed

    def publish(self, request: RunRequest, found: Inputs, output: RunFolder, progress: Progress) -> RunResult:
        """Export, check, upload; return the result that stands.

        Raises:
            RunError: ExportMismatch or OutputNotWritable; nothing is published then.
        """
        progress.phase("Publishing")
        network, threads, graph = self.backbone.network, machine.threads(), self.folder / "model.onnx"
        description = describe(request, self.backbone, self.split.labels, self.learned)
        judged = evenly(self.learned.headline.samples, SCORED_SAMPLES)
        # Leave-one-out logits are of other heads: the network's own are what serving must repeat.
        logits = compute_logits(network, judged, self.feed)
        model = export_onnx(
            network,
            dict(zip(description.signature.inputs, network.example(2), strict=True)),
            graph,
            network.free_axes,
        )
        progress.step(0.2)
        cpu = feed_of(description.preprocessing, torch.device("cpu"))
        checked = cpu(evenly(judged, CHECKED_SAMPLES).rows)
        check_export(model, network, dict(zip(description.signature.inputs, checked, strict=True)), threads)
        served = check_served(
            model,
            description,
            self.backbone.files,
            judged,
            self.spool,
            logits,
            threads,
            lambda done: progress.step(0.2 + 0.4 * done),
        )
        progress.say(
            f"The exported model agrees with the trained one on {len(served)} samples, decoded and run as in serving."
        )
        int8 = self._in_8_bits(request, description, graph, judged, served, progress)
        target = self.folder / "artifact"
        record = RunRecord(
            request, description, self.learned, self.split, self.device.name, self.spool.read, timeless(int8.check)
        )
        digest = write_artifact(target, model, self.backbone, record, int8.model)
        uri = output.publish(target, digest)
        progress.step(0.95)
        warnings = list(self.split.warnings)
        if self.device.warning:
            warnings.insert(0, self.device.warning)
        warnings = [*self.learned.warnings, *warnings]
        if field := self.learned.budget_exceeded:
            warnings.insert(
                0,
                f"{field} was over before training was done: the best model until then was published. For a better "
                "one raise it, and change spec.training.seed, so that this result does not count.",
            )
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
                strategy=self.learned.strategy,
                budget_exceeded=self.learned.budget_exceeded,
                int8=int8.check,
                warnings=warnings,
            )
        )

    def _in_8_bits(
        self,
        request: RunRequest,
        description: ModelDescription,
        graph: Path,
        judged: Samples,
        served: Tensor,
        progress: Progress,
    ) -> Int8:
        if field := self.learned.budget_exceeded:
            return not_made(f"{field} was over: there was no time to make a graph of 8-bit integers.")
        int8 = make_int8(
            graph,
            description,
            self.backbone.files,
            self.split.train,
            judged,
            served,
            request.training.seed,
            self.folder,
            machine.threads(),
            lambda done: progress.step(0.6 + 0.3 * done),
        )
        progress.say(f"In 8-bit integers: {in_words(int8.check)} It took {int8.check.seconds} s.")
        return int8


def learn(
    request: RunRequest,
    inputs_digest: str,
    environment: Mapping[str, str],
    fetching: "Future[list[Fetched]]",
    spool: Spool,
    folder: Path,
    checkpoints: Checkpoints,
    progress: Progress,
    limits: Limits,
    storage: Storage,
) -> Trained:
    """Train and evaluate.

    Raises:
        RunError: whatever is wrong with backbone or data, or TrainingDiverged.
    """
    device = choose_device(request.gpus)
    progress.say(f"Computing on {device.name}, {torch.get_num_threads()} threads. {device.warning or ''}".rstrip())
    checkpoints.open(request, inputs_digest, device.name)
    plan = backbones.plan(request, environment, folder, machine.cache_folder())
    fetched = fetching.result()
    labels = fetched[0].classes.labels
    torch.manual_seed(request.training.seed)
    backbone = plan.measured(fetched[0], spool).load(len(labels))
    pipeline = pipeline_of(backbone.preprocessing, backbone.files)
    split = split_up(request, fetched, spool, pipeline, folder, progress)
    for warning in split.warnings:
        progress.say(f"Warning: {warning}")
    progress.phase("Backbone")
    feed = feed_of(backbone.preprocessing, device.torch)
    backbone.network.to(device.torch).to(memory_format=feed.memory_format)
    context = Context(request, backbone, split, feed, device, checkpoints, progress, limits, storage)
    learned = strategy_of(request)(context)
    metrics = learned.headline.metrics
    progress.say(
        f"Accuracy {metrics.accuracy:.4f} ({metrics.low:.4f} to {metrics.high:.4f}) on {learned.headline.split}, "
        f"{metrics.count} samples."
    )
    return Trained(backbone, learned, split, spool, folder, device, feed)


def strategy_of(request: RunRequest) -> Callable[[Context], Learned]:
    """Return what learns as the request asks for."""
    strategy = request.training.strategy
    if request.training.search is None:
        return STRATEGIES[strategy]
    # Optuna takes half a second to import, and most runs have no use for it.
    from transfermodel_trainer.search.searching import SEARCHES

    return SEARCHES[strategy]
