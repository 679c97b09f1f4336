"""What a run learns from, as digests: the same inputs give the same folder in storage."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from transfermodel_operator.api import RunRequest

from transfermodel_trainer.backbones.stored import identity
from transfermodel_trainer.data.sources import Role, Source, look_up

KEY_VERSION = 1


@dataclass(frozen=True)
class Inputs:
    """The data sources and the digests of everything."""

    sources: tuple[Source, ...]
    """train first, then those of validation and test that are set."""
    data_digest: str
    digest: str
    """Hex; over the data, the weights file and the base."""

    def source(self, role: Role) -> Source | None:
        """Return the source of a role, if it is set."""
        return next((source for source in self.sources if source.role == role), None)


def resolve(request: RunRequest, environment: Mapping[str, str]) -> Inputs:
    """Look up all data and the weights; nothing is downloaded but index files.

    Raises:
        RunError: DataNotFound, DataAccessDenied or StorageUnavailable.
    """
    wanted: list[tuple[Role, str]] = [("train", request.data.train.uri)]
    if request.data.validation is not None:
        wanted.append(("validation", request.data.validation.uri))
    if request.data.test is not None:
        wanted.append(("test", request.data.test.uri))
    sources = tuple(look_up(role, uri, environment, request.data.format, request.task) for role, uri in wanted)
    data_digest = _hash({source.role: source.digest() for source in sources})
    everything = {
        "keyVersion": KEY_VERSION,
        "data": data_digest,
        "weights": _weights(request, environment),
        "base": request.backbone.base.digest if request.backbone.base else None,
    }
    return Inputs(sources, f"sha256:{data_digest}", _hash(everything))


def _weights(request: RunRequest, environment: Mapping[str, str]) -> str | None:
    """Return what identifies the weights below a URI; named and random weights are known by the spec alone."""
    weights = request.backbone.weights
    return None if weights is None or weights.uri is None else identity(weights.uri, environment)


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
