"""The backbone of a run: architecture, weights and preprocessing together."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from transfermodel_operator.api import BaseArtifact, Reason, RunRequest
from transfermodel_operator.api.run import OUTPUT_CREDENTIALS_PREFIX
from transfermodel_predictor.artifact.description import (
    MODALITIES,
    ModelDescription,
    Preprocessing,
    TextPreprocessing,
    WeightsSource,
)
from transfermodel_predictor.artifact.errors import ArtifactError, StorageUnavailable
from transfermodel_predictor.artifact.load import fetch
from transfermodel_predictor.artifact.names import DESCRIPTION, WEIGHTS

from transfermodel_trainer.backbones import encoder_files, preprocessing, registry
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.preprocessing import AudioInput, Settled
from transfermodel_trainer.backbones.spectrograms import of_spectrograms
from transfermodel_trainer.backbones.weights import load_trunk, read_safetensors
from transfermodel_trainer.data.fetch import Fetched
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError, StorageFailure


@dataclass(frozen=True)
class LoadedBackbone:
    """A network with its trunk's weights in place and a fresh head."""

    network: Network
    preprocessing: Preprocessing
    name: str
    """<library>/<architecture>."""
    source: WeightsSource
    pretrained: bool
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Of the artifact, by name: what the predictor's pipeline is made from, such as a tokenizer."""


@dataclass(frozen=True)
class BackbonePlan:
    """What is known before the data is: everything but the number of classes, and what recordings are like."""

    name: str
    """<library>/<architecture>."""
    preprocessing: Settled
    source: WeightsSource
    weights: Path | None
    """A safetensors file; None: random weights."""
    weights_name: str
    """For sentences."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Of an encoder's folder: they go into the artifact."""

    def measured(self, train: Fetched, spool: Spool) -> "BackbonePlan":
        """Return the plan with what the training recordings say, where it is about recordings."""
        if not isinstance(self.preprocessing, AudioInput):
            return self
        from transfermodel_trainer.backbones.recordings import measure

        settled = measure(
            self.preprocessing, len(train.samples), lambda index: spool.read(train.samples[index].position)
        )
        return replace(self, preprocessing=settled)

    def assumed(self) -> "BackbonePlan":
        """Return the plan with recordings as long as they may be, for those who have none yet."""
        settled = self.preprocessing
        return replace(self, preprocessing=settled.assumed()) if isinstance(settled, AudioInput) else self

    def load(self, classes: int) -> LoadedBackbone:
        """Build the network for K classes and load its trunk; recordings must have been measured.

        Raises:
            RunError: WeightsMismatch or InvalidSpec.
        """
        settled = self.preprocessing
        if isinstance(settled, AudioInput):
            raise TypeError("the recordings were not measured")
        network = network_of(self.name, settled, classes, self.files)
        network.check_input()
        if self.weights is not None:
            load_trunk(network, read_safetensors(self.weights, self.weights_name), self.weights_name)
        return LoadedBackbone(network, settled, self.name, self.source, self.weights is not None, self.files)


def network_of(name: str, settled: Preprocessing, classes: int, files: Mapping[str, bytes] | None = None) -> Network:
    """Return a backbone's network with random weights for what a preprocessing makes of samples.

    Raises:
        RunError: UnknownBackbone or InvalidSpec.
    """
    size = settled.max_tokens if isinstance(settled, TextPreprocessing) else settled.size
    built = registry.build(name, size, files)
    return Network(of_spectrograms(built) if settled.modality == "Audio" else built, classes)


def image_network(name: str, size: int, classes: int) -> Network:
    """Return a network of images of `size` pixels a side with random weights.

    Raises:
        RunError: UnknownBackbone or InvalidSpec.
    """
    return Network(registry.build(name, size), classes)


def plan(request: RunRequest, environment: Mapping[str, str], folder: Path, cache: Path) -> BackbonePlan:
    """Find the architecture, fetch its weights, settle the preprocessing.

    Args:
        request: the run.
        environment: holds the credentials.
        folder: for files of this run.
        cache: for files that another run may use again.

    Raises:
        RunError: UnknownBackbone, InputRequired, WeightsUnavailable, BaseNotFound or what storage says.
    """
    backbone, weights = request.backbone, request.backbone.weights
    if backbone.base is not None:
        return _of_base(request, backbone.base, environment, folder)
    if backbone.name is None or weights is None:
        raise RunError(Reason.INVALID_SPEC, "spec.backbone: set name with weights, or fromTransferModel.")
    library, architecture = registry.find(backbone.name)
    registry.check_task(library, backbone.name, request.task)
    kind: Literal["name", "uri"] = "name"
    if weights.name is not None:
        named = library.named(architecture, weights.name, cache)
        if not request.allow_named_weights:
            raise RunError(
                Reason.WEIGHTS_UNAVAILABLE,
                f"spec.backbone.weights.name {weights.name}: this installation does not load a library's own weights "
                "(allowNamedWeights is false): store them yourself and set spec.backbone.weights.uri.",
            )
        found = named.fetch()
    elif weights.uri is not None:
        found, kind = library.stored(weights.uri, environment, folder, cache), "uri"
    else:
        settled = preprocessing.settle(request.task, backbone.input, None)
        return BackbonePlan(backbone.name, settled, WeightsSource(kind="scratch"), None, "random weights")
    settled = preprocessing.settle(request.task, backbone.input, found.preprocessing)
    origin = WeightsSource(kind=kind, reference=found.reference, digest=found.digest)
    called = f"spec.backbone.weights.{kind} {found.reference}"
    return BackbonePlan(backbone.name, settled, origin, found.weights, called, found.files)


def _of_base(request: RunRequest, base: BaseArtifact, environment: Mapping[str, str], folder: Path) -> BackbonePlan:
    called = f"{base.transfer_model}/{base.version}"
    description = describe_base(request, base, environment)
    names = encoder_files.KEPT if description.task == "TextClassification" else ()
    files = fetch_base(base, (*names, WEIGHTS), environment)
    path = folder / "base.safetensors"
    path.write_bytes(files.pop(WEIGHTS))
    settled = preprocessing.settle(request.task, request.backbone.input, description.preprocessing)
    source = WeightsSource(kind="base", reference=base.uri, digest=base.digest)
    return BackbonePlan(description.backbone.name, settled, source, path, f"the model of {called}", files)


def describe_base(request: RunRequest, base: BaseArtifact, environment: Mapping[str, str]) -> ModelDescription:
    """Return the model.json of a base. Raises InvalidSpec unless its trunk takes what the task is about."""
    called = f"{base.transfer_model}/{base.version}"
    with base_errors(called):
        files = fetch_base(base, (DESCRIPTION,), environment)
        description: ModelDescription = ModelDescription.from_json(files[DESCRIPTION])
    takes = registry.TAKES
    if takes[MODALITIES[description.task]] != takes[MODALITIES[request.task]]:
        raise RunError(
            Reason.INVALID_SPEC,
            f"spec.backbone.fromTransferModel: {called} is a model for {description.task}, whose trunk is of no use "
            f"for {request.task}: start from another model.",
        )
    return description


def fetch_base(base: BaseArtifact, names: tuple[str, ...], environment: Mapping[str, str]) -> dict[str, bytes]:
    """Return files of a base, by name. Raises BaseNotFound or StorageUnavailable."""
    with base_errors(f"{base.transfer_model}/{base.version}"):
        return fetch(base.uri, base.digest, names, environment, OUTPUT_CREDENTIALS_PREFIX)


@contextlib.contextmanager
def base_errors(called: str) -> Iterator[None]:
    """Turn what is wrong with a base's artifact into the run's errors, which name it."""
    try:
        yield
    except StorageUnavailable as error:
        raise StorageFailure(
            Reason.STORAGE_UNAVAILABLE, f"spec.backbone.fromTransferModel {called}: {error}"
        ) from error
    except ArtifactError as error:
        raise RunError(
            Reason.BASE_NOT_FOUND, f"spec.backbone.fromTransferModel: the artifact of {called} cannot be used: {error}"
        ) from error
