"""TransferModel.status: what the operator saw. Every part of it can be rebuilt from the cluster."""

from typing import Annotated, Literal

from pydantic import Field

from transfermodel_operator.api.conditions import Condition
from transfermodel_operator.api.int8 import Int8Check
from transfermodel_operator.api.meta import ApiModel

Stage = Literal["Pending", "Waiting", "Training", "Deploying", "Ready", "Suspended", "Failed"]
VersionState = Literal["Candidate", "Live", "Retired", "Failed"]
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class TrainingStatus(ApiModel):
    """The current or the last training run."""

    run: str
    """The run's key: a hash of everything that the run learns from."""
    attempt: int = 1
    """How often this run was started."""
    epoch: int | None = None
    """Epochs completed."""
    epochs: int | None = None
    """Epochs in all."""
    percent: int | None = None
    """Progress of the whole run, 0 to 100."""
    eta_seconds: int | None = None
    """Seconds until the run is expected to end."""
    loss: str | None = None
    """The training loss of the last step reported."""
    start_time: Timestamp | None = None
    """When the run's Job started."""
    completion_time: Timestamp | None = None
    """When the run ended."""
    interruptions: int | None = None
    """How often the pod of this attempt was taken away, and another went on."""
    last_interruption_time: Timestamp | None = None
    """When that was last."""


class VersionStatus(ApiModel):
    """One trained, immutable version."""

    name: str
    """v1, v2, …"""
    digest: str
    """The artifact's digest: that of its manifest."""
    uri: str
    """Where the artifact is stored."""
    metrics: dict[str, str] = {}
    """Headline metrics, such as accuracy, on the split that `metricsSplit` names."""
    int8: Int8Check | None = None
    """How it does in 8-bit integers, which spec.serving.precision Int8 serves."""
    state: VersionState
    """Candidate: not serving yet. Live: serving. Retired: replaced by a newer one. Failed: never became ready."""
    created_at: Timestamp
    """When the version was recorded."""


class ServingStatus(ApiModel):
    """What takes the traffic."""

    version: str | None = None
    """The version that serves."""
    revision: str | None = None
    """The Knative Revision that serves it."""
    verified_at: Timestamp | None = None
    """When a real prediction of this revision last proved that it serves this version."""


class Usage(ApiModel):
    """What the object has used."""

    training_seconds: int = 0
    """Seconds of training, over all runs that still have a version."""
    gpu_seconds: int = 0
    """The same seconds, each times the GPUs that its run was given."""


class TransferModelStatus(ApiModel):
    """What the operator saw."""

    # Readers older than the writer must not fail on a field that they do not know.
    model_config = {"extra": "ignore"}

    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    conditions: Annotated[
        list[Condition],
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
    ] = []
    """Ready, DataReady, Trained, Evaluated, Serving."""
    stage: Stage | None = None
    """A summary for people; nothing acts on it."""
    training: TrainingStatus | None = None
    """The current or the last training run."""
    versions: Annotated[
        list[VersionStatus],
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = []
    """Every trained version, oldest first."""
    serving: ServingStatus | None = None
    """What takes the traffic."""
    url: str | None = None
    """Where predictions are asked for: POST <url>/v1/models/<name>:predict."""
    usage: Usage | None = None
    """What the object has used."""
