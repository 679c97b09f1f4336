"""From the artifact's URI to a classifier that has answered once."""

import logging
import time

from transfermodel_predictor.artifact.download import Download
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.artifact.load import VerifiedFiles
from transfermodel_predictor.artifact.names import GRAPHS, Content
from transfermodel_predictor.configuration import Configuration
from transfermodel_predictor.cpus import thread_count
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.devices import CPU, Device, choose_device, without_gpu
from transfermodel_predictor.inference.opening import open_classifier, served_files
from transfermodel_predictor.memory import release_free_memory
from transfermodel_predictor.observation.logs import fields
from transfermodel_predictor.observation.startup import STARTUP

logger = logging.getLogger(__name__)


def load_classifier(configuration: Configuration, download: Download) -> Classifier:
    """Wait for the download, check it, and make it answer once.

    Raises:
        ArtifactError: Storage failed, or the artifact is not the one that was asked for, or cannot be used.
    """
    with STARTUP.phase("download"):
        artifact = VerifiedFiles(download, configuration.artifact_uri, configuration.artifact_digest)
        files = served_files(artifact, configuration.precision)
    begun = time.perf_counter()
    threads = configuration.threads or thread_count()
    size = len(files[GRAPHS[configuration.precision]])
    classifier = _opened(configuration, files, threads)
    release_free_memory()
    seconds = time.perf_counter() - begun
    logger.info(
        f"{configuration.model_name} {configuration.version} ({configuration.artifact_digest}): "
        f"{len(classifier.labels)} classes, {size / 1e6:.1f} MB of {configuration.precision}, "
        f"on {classifier.device.name}, {threads} threads per inference, loaded in {seconds:.2f} s",
        extra=fields(
            model=configuration.model_name,
            version=configuration.version,
            digest=configuration.artifact_digest,
            classes=len(classifier.labels),
            modelBytes=size,
            precision=configuration.precision,
            device=classifier.device.name,
            deviceWanted=classifier.device.wanted,
            threads=threads,
            loadSeconds={name: round(value, 4) for name, value in STARTUP.seconds.items()},
        ),
    )
    if classifier.device.warning:
        logger.warning(classifier.device.warning)
    return classifier


def _opened(configuration: Configuration, files: dict[str, Content], threads: int) -> Classifier:
    """Return a classifier that has answered once; one that fails on a GPU gets a second chance on the CPU."""

    def opened(device: Device) -> Classifier:
        # The graph's bytes are taken out of the files, unless they may be needed again.
        own = files if device.name == "cpu" else dict(files)
        with STARTUP.phase("open"):
            classifier = open_classifier(own, threads, configuration.limits, configuration.precision, device)
        with STARTUP.phase("warm_up"):
            classifier.warm_up()
        return classifier

    device = _device(configuration)
    try:
        return opened(device)
    except ArtifactMalformed as error:
        if device.name == "cpu":
            raise
        # Such as a GPU without memory left, or one that this CUDA has no code for.
        return opened(without_gpu(error.__cause__ or error))


def _device(configuration: Configuration) -> Device:
    """Return the device to try; what most predictors need not know is not asked."""
    if not configuration.gpu:
        return CPU
    import onnxruntime

    return choose_device(configuration.gpu, configuration.precision, onnxruntime.get_available_providers())
