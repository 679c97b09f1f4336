"""The network that a run would train, with random weights where the real ones would have to be downloaded."""

from collections.abc import Mapping
from pathlib import Path

from transfermodel_operator.api import RunRequest
from transfermodel_predictor.artifact.description import WeightsSource

from transfermodel_trainer import machine
from transfermodel_trainer.backbones import load as backbones
from transfermodel_trainer.backbones import preprocessing, registry
from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.backbones.preprocessing import AudioInput, Settled
from transfermodel_trainer.planning.estimate import Download


def load(
    request: RunRequest, classes: int, environment: Mapping[str, str], folder: Path
) -> tuple[LoadedBackbone, Download | None]:
    """Return the run's network and what would be downloaded for it; with random weights where they are not here.

    An encoder of texts is fetched, into the cache: without its files nothing is known of it.

    Raises:
        RunError: as of the run itself.
    """
    backbone, cache = request.backbone, machine.cache_folder()
    base, weights = backbone.base, backbone.weights
    download: Download | None = None
    settled: Settled
    of_text = request.task == "TextClassification"
    if base is not None and not base.uri.startswith("file://") and not of_text:
        description = backbones.describe_base(request, base, environment)
        settled = preprocessing.settle(request.task, backbone.input, description.preprocessing)
        what = f"the model of {base.transfer_model}/{base.version}"
        return _random(description.backbone.name, settled, classes), Download(what=what, bytes=0, cached=False)
    if weights is not None and backbone.name is not None and weights.name is not None:
        library, architecture = registry.find(backbone.name)
        registry.check_task(library, backbone.name, request.task)
        named = library.named(architecture, weights.name, cache)
        what = f"{backbone.name} {named.reference} from {named.origin}"
        download = Download(what=what, bytes=named.bytes or 0, cached=named.cached)
        if not named.cached and not of_text:
            settled = preprocessing.settle(request.task, backbone.input, named.preprocessing)
            return _random(backbone.name, settled, classes), download
    if weights is not None and weights.uri is not None and not weights.uri.startswith("file://") and not of_text:
        settled = preprocessing.settle(request.task, backbone.input, None)
        return _random(backbone.name or "", settled, classes), Download(what=weights.uri, bytes=0, cached=False)
    allowed = request.model_copy(update={"allow_named_weights": True})
    return backbones.plan(allowed, environment, folder, cache).assumed().load(classes), download


def _random(name: str, settled: Settled, classes: int) -> LoadedBackbone:
    known = settled.assumed() if isinstance(settled, AudioInput) else settled
    network = backbones.network_of(name, known, classes)
    network.check_input()
    # Weights will be there in the run, so that it solves a head first.
    return LoadedBackbone(network, known, name, WeightsSource(kind="scratch"), pretrained=True)
