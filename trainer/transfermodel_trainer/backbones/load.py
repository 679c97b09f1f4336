"""The backbone of a run: architecture, weights and preprocessing together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from transfermodel_operator.api import BaseArtifact, Reason, RunBackbone
from transfermodel_operator.api.run import DATA_CREDENTIALS_PREFIX, OUTPUT_CREDENTIALS_PREFIX
from transfermodel_predictor.artifact.description import (
    ImagePreprocessing,
    ModelDescription,
    Preprocessing,
    WeightsSource,
)
from transfermodel_predictor.artifact.errors import ArtifactError, StorageUnavailable
from transfermodel_predictor.artifact.load import fetch

from transfermodel_trainer.backbones import preprocessing, registry
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.weights import (
    download_named,
    load_trunk,
    named_weights,
    read_safetensors,
    sha256_of,
)
from transfermodel_trainer.data.files import open_file
from transfermodel_trainer.data.sources import data_errors
from transfermodel_trainer.errors import RunError, StorageFailure


@dataclass(frozen=True)
class LoadedBackbone:
    """A network with its trunk's weights in place and a fresh head."""

    network: Network
    preprocessing: ImagePreprocessing
    name: str
    """<library>/<architecture>."""
    source: WeightsSource
    pretrained: bool
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Of the artifact, by name: what the predictor's pipeline is made from, such as a tokenizer."""


@dataclass(frozen=True)
class BackbonePlan:
    """What is known before the data is: everything but the number of classes."""

    architecture: str
    preprocessing: ImagePreprocessing
    source: WeightsSource
    weights: Path | None
    """A safetensors file; None: random weights."""
    weights_name: str
    """For sentences."""

    def load(self, classes: int) -> LoadedBackbone:
        """Build the network for K classes and load its trunk. Raises WeightsMismatch or InvalidSpec."""
        network = Network(self.architecture, self.preprocessing.size, classes)
        network.check_input()
        if self.weights is not None:
            load_trunk(network, read_safetensors(self.weights, self.weights_name), self.weights_name)
        name = f"{registry.LIBRARY}/{self.architecture}"
        return LoadedBackbone(network, self.preprocessing, name, self.source, self.weights is not None)


def plan(
    backbone: RunBackbone, environment: Mapping[str, str], folder: Path, cache: Path, *, allow_named_weights: bool
) -> BackbonePlan:
    """Find the architecture, fetch its weights, settle the preprocessing.

    Raises:
        RunError: UnknownBackbone, InputRequired, WeightsUnavailable, BaseNotFound or what storage says.
    """
    if backbone.base is not None:
        return _of_base(backbone, backbone.base, environment, folder)
    if backbone.name is None or backbone.weights is None:
        raise RunError(Reason.INVALID_SPEC, "spec.backbone: set name with weights, or fromTransferModel.")
    name = registry.architecture(backbone.name)
    weights = backbone.weights
    if weights.name is not None:
        entry = named_weights(name, weights.name)
        if not allow_named_weights:
            raise RunError(
                Reason.WEIGHTS_UNAVAILABLE,
                f"spec.backbone.weights.name {weights.name}: this installation does not load torchvision's own weights "
                "(allowNamedWeights is false): store them as a .safetensors file and set spec.backbone.weights.uri.",
            )
        path = download_named(name, weights.name, cache)
        settled = preprocessing.resolve(backbone.input, preprocessing.of_named_weights(entry, name))
        origin = WeightsSource(kind="name", reference=entry.name, digest=sha256_of(path))
        return BackbonePlan(name, settled, origin, path, f"spec.backbone.weights.name {entry.name}")
    settled = preprocessing.resolve(backbone.input, None)
    if weights.uri is not None:
        path = folder / "weights.safetensors"
        with data_errors("spec.backbone.weights.uri"):
            storage, file = open_file(weights.uri, environment, DATA_CREDENTIALS_PREFIX)
            storage.download(file, path)
        origin = WeightsSource(kind="uri", reference=weights.uri, digest=sha256_of(path))
        return BackbonePlan(name, settled, origin, path, f"spec.backbone.weights.uri {weights.uri}")
    return BackbonePlan(name, settled, WeightsSource(kind="scratch"), None, "random weights")


def _of_base(backbone: RunBackbone, base: BaseArtifact, environment: Mapping[str, str], folder: Path) -> BackbonePlan:
    called = f"{base.transfer_model}/{base.version}"
    try:
        files = fetch(
            base.uri, base.digest, ("model.json", "model.safetensors"), environment, OUTPUT_CREDENTIALS_PREFIX
        )
        description: ModelDescription = ModelDescription.from_json(files["model.json"])
    except StorageUnavailable as error:
        raise StorageFailure(
            Reason.STORAGE_UNAVAILABLE, f"spec.backbone.fromTransferModel {called}: {error}"
        ) from error
    except ArtifactError as error:
        raise RunError(
            Reason.BASE_NOT_FOUND, f"spec.backbone.fromTransferModel: the artifact of {called} cannot be used: {error}"
        ) from error
    path = folder / "base.safetensors"
    path.write_bytes(files["model.safetensors"])
    settled = preprocessing.resolve(backbone.input, of_images(description.preprocessing, called))
    architecture = registry.architecture(description.backbone.name)
    source = WeightsSource(kind="base", reference=base.uri, digest=base.digest)
    return BackbonePlan(architecture, settled, source, path, f"the model of {called}")


def of_images(settled: Preprocessing, called: str) -> ImagePreprocessing:
    """Return the preprocessing of a base. Raises InvalidSpec when it is not one of images."""
    if isinstance(settled, ImagePreprocessing):
        return settled
    raise RunError(
        Reason.INVALID_SPEC, f"spec.backbone.fromTransferModel: {called} is not a model of images: use one that is."
    )
