"""A classifier from an artifact's files."""

from collections.abc import MutableMapping

from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.names import DESCRIPTION, MODEL
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.pipelines import pipeline_of
from transfermodel_predictor.inference.session import open_session


def open_classifier(files: MutableMapping[str, bytes], threads: int) -> Classifier:
    """Return the classifier of files that were verified, by name; the graph's bytes are taken out, to free them.

    Raises:
        ArtifactMalformed: They cannot be used, or not together.
    """
    description = ModelDescription.from_json(files[DESCRIPTION])
    session = open_session(files.pop(MODEL), threads, description.signature.inputs)
    return Classifier(description, session, pipeline_of(description.preprocessing, files))
