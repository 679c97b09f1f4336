"""A classifier from an artifact's files."""

from collections.abc import Mapping, MutableMapping

from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.download import download_served
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.artifact.load import VerifiedFiles
from transfermodel_predictor.artifact.names import DESCRIPTION, GRAPHS, Content
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.devices import CPU, Device
from transfermodel_predictor.inference.limits import DEFAULT, SampleLimits
from transfermodel_predictor.inference.pipelines import NEEDED_FILES, pipeline_of
from transfermodel_predictor.inference.session import open_session


def fetch_classifier(uri: str, digest: str, threads: int, environment: Mapping[str, str]) -> Classifier:
    """Return the classifier of an artifact; digest: sha256:… of its manifest.json.

    Raises:
        ArtifactError: Storage failed, or the artifact is not the one that was asked for, or cannot be used.
    """
    download = download_served(uri, "Float32", environment)
    return open_classifier(served_files(VerifiedFiles(download, uri, digest)), threads)


def served_files(artifact: VerifiedFiles, precision: str = "Float32") -> dict[str, Content]:
    """Return the files that a classifier is made of, by name; those of `served(precision)` must be on their way.

    What few models need is asked for once model.json is there, while the graph is still on its way.

    Raises:
        ArtifactError: As `fetch` of artifact.load; ArtifactMalformed also where there is no graph of this precision.
    """
    if precision != "Float32" and not artifact.has(GRAPHS[precision]):
        raise ArtifactMalformed(
            f"The artifact has no {GRAPHS[precision]}: this model cannot be served in {precision}. Set "
            "spec.serving.precision to Float32; metrics.json says why."
        )
    described = artifact.file(DESCRIPTION)
    needed = NEEDED_FILES[ModelDescription.from_json(described).preprocessing.modality]
    artifact.ask(needed)
    return {DESCRIPTION: described, **{name: artifact.view(name) for name in (*needed, GRAPHS[precision])}}


def open_classifier(
    files: MutableMapping[str, bytes] | MutableMapping[str, Content],
    threads: int,
    limits: SampleLimits = DEFAULT,
    precision: str = "Float32",
    device: Device = CPU,
) -> Classifier:
    """Return the classifier of files that were verified, by name; the graph's bytes are taken out, to free them.

    It computes on the device where that can be used, else on the CPU: its session says on which.

    Raises:
        ArtifactMalformed: They cannot be used, or not together.
    """
    graph = GRAPHS[precision]
    small = {name: bytes(content) for name, content in files.items() if name != graph}
    description = ModelDescription.from_json(small[DESCRIPTION])
    session = open_session(files.pop(graph), threads, description.signature.inputs, graph, device)
    return Classifier(description, session, pipeline_of(description.preprocessing, small, limits))
