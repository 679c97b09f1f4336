"""From the artifact's URI to a classifier that has answered once."""

import time

from transfermodel_predictor.artifact.download import Download
from transfermodel_predictor.artifact.load import VerifiedFiles
from transfermodel_predictor.artifact.names import MODEL
from transfermodel_predictor.configuration import Configuration
from transfermodel_predictor.cpus import thread_count
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.opening import open_classifier, served_files
from transfermodel_predictor.memory import release_free_memory


def load_classifier(configuration: Configuration, download: Download) -> Classifier:
    """Wait for the download, check it, and make it answer once.

    Raises:
        ArtifactError: Storage failed, or the artifact is not the one that was asked for, or cannot be used.
    """
    files = served_files(VerifiedFiles(download, configuration.artifact_uri, configuration.artifact_digest))
    begun = time.perf_counter()
    threads = configuration.threads or thread_count()
    size = len(files[MODEL])
    classifier = open_classifier(files, threads, configuration.limits)
    classifier.warm_up()
    release_free_memory()
    print(
        f"{configuration.model_name} {configuration.version} ({configuration.artifact_digest}): "
        f"{len(classifier.labels)} classes, {size / 1e6:.1f} MB, {threads} threads per inference, "
        f"loaded in {time.perf_counter() - begun:.2f} s",
        flush=True,
    )
    return classifier
