"""The network that a run would train, with random weights where the real ones would have to be downloaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.run import OUTPUT_CREDENTIALS_PREFIX
from transfermodel_predictor.artifact.description import ImagePreprocessing, ModelDescription, WeightsSource
from transfermodel_predictor.artifact.load import fetch

from transfermodel_trainer import machine
from transfermodel_trainer.backbones import load as backbones
from transfermodel_trainer.backbones import preprocessing, registry
from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.weights import named_weights
from transfermodel_trainer.planning.estimate import Download

MEGABYTE: Final = 1_000_000


def load(
    request: RunRequest, classes: int, environment: Mapping[str, str], folder: Path
) -> tuple[LoadedBackbone, Download | None]:
    """Return the run's network and what would be downloaded for it; with random weights where they are not here.

    Raises:
        RunError: as of the run itself.
    """
    backbone, cache = request.backbone, machine.cache_folder()
    base, weights = backbone.base, backbone.weights
    download: Download | None = None
    if base is not None and not base.uri.startswith("file://"):
        files = fetch(base.uri, base.digest, ("model.json",), environment, OUTPUT_CREDENTIALS_PREFIX)
        description: ModelDescription = ModelDescription.from_json(files["model.json"])
        settled = preprocessing.resolve(
            backbone.input, backbones.of_images(description.preprocessing, base.transfer_model)
        )
        what = f"the model of {base.transfer_model}/{base.version}"
        return _random(description.backbone.name, settled, classes), Download(what=what, bytes=0, cached=False)
    if weights is not None and backbone.name is not None and weights.name is not None:
        name = registry.architecture(backbone.name)
        entry = named_weights(name, weights.name)
        cached = (cache / f"{name}-{entry.name}.safetensors").exists()
        size = round(entry.meta["_file_size"] * MEGABYTE)
        download = Download(what=f"{backbone.name} {entry.name} from {entry.url}", bytes=size, cached=cached)
        if not cached:
            settled = preprocessing.resolve(backbone.input, preprocessing.of_named_weights(entry, name))
            return _random(backbone.name, settled, classes), download
    if weights is not None and weights.uri is not None and not weights.uri.startswith("file://"):
        settled = preprocessing.resolve(backbone.input, None)
        return _random(backbone.name or "", settled, classes), Download(what=weights.uri, bytes=0, cached=False)
    plan = backbones.plan(backbone, environment, folder, cache, allow_named_weights=True)
    return plan.load(classes), download


def _random(name: str, settled: ImagePreprocessing, classes: int) -> LoadedBackbone:
    architecture = registry.architecture(name)
    network = Network(architecture, settled.size, classes)
    network.check_input()
    # Weights will be there in the run, so that it solves a head first.
    return LoadedBackbone(network, settled, name, WeightsSource(kind="scratch"), pretrained=True)
