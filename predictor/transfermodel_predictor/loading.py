"""From the artifact's URI to a classifier that has answered once."""

import time

from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.download import Download
from transfermodel_predictor.artifact.load import verified
from transfermodel_predictor.artifact.names import DESCRIPTION, MODEL, SERVED
from transfermodel_predictor.configuration import Configuration
from transfermodel_predictor.cpus import thread_count
from transfermodel_predictor.inference.classifier import ImageClassifier
from transfermodel_predictor.inference.session import open_session
from transfermodel_predictor.memory import release_free_memory


def load_classifier(configuration: Configuration, download: Download) -> ImageClassifier:
    """Wait for the download, check it, and make it answer once.

    Raises:
        ArtifactError: Storage failed, or the artifact is not the one that was asked for, or cannot be used.
    """
    files = verified(download, configuration.artifact_uri, configuration.artifact_digest, SERVED)
    begun = time.perf_counter()
    description = ModelDescription.from_json(files[DESCRIPTION])
    threads = configuration.threads or thread_count()
    size = len(files[MODEL])
    classifier = ImageClassifier(description, open_session(files.pop(MODEL), threads))
    classifier.warm_up()
    release_free_memory()
    print(
        f"{configuration.model_name} {configuration.version} ({configuration.artifact_digest}): "
        f"{len(description.labels)} classes, {size / 1e6:.1f} MB, {threads} threads per inference, "
        f"loaded in {time.perf_counter() - begun:.2f} s",
        flush=True,
    )
    return classifier
