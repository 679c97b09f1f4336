"""What the shell saw of the cluster, as plain data. Objects are dicts, as the API server returns them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True)
class Base:
    """One TransferModel on the chain of fromTransferModel."""

    name: str
    manifest: Manifest | None
    """None: there is no TransferModel of that name."""
    controller_revisions: tuple[Manifest, ...] = ()
    """Its versions; read for the first of the chain only."""


@dataclass(frozen=True)
class Proof:
    """The outcome of the last prediction that was asked of a Knative Revision."""

    revision: str
    succeeded: bool
    """The revision answered, and its answer carried the digest that was asked for."""
    message: str
    """When it did not succeed: why, as a sentence."""
    at: datetime


@dataclass(frozen=True)
class Refusal:
    """The API server refused a write of the last plans; forgotten when the same write succeeds."""

    code: int
    """HTTP status; 0 when there was no answer."""
    message: str
    at: datetime
    count: int = 1
    """How often in a row."""


@dataclass(frozen=True)
class Apis:
    """Which of the APIs that serving needs the cluster has."""

    kserve: bool = True
    """serving.kserve.io/v1beta1 InferenceService."""
    knative: bool = True
    """serving.knative.dev/v1 Service and Revision."""


@dataclass(frozen=True)
class Observed:
    """The cluster around one TransferModel, read live; nothing here comes from a cache but what says so."""

    model: Manifest
    """The TransferModel itself."""
    bases: tuple[Base, ...] = ()
    """The chain of fromTransferModel, nearest first; ends where it ends, is missing, or repeats a name (the repeated
    one, or the model itself, is not listed again)."""
    jobs: tuple[Manifest, ...] = ()
    """Jobs labelled transferlearning.dev/transfermodel=<name>."""
    pods: tuple[Manifest, ...] = ()
    """Pods with that label: training pods, and predictor pods (KServe hands the InferenceService's labels on)."""
    job_warnings: Mapping[str, str] = field(default_factory=dict)
    """Job name -> message of its newest FailedCreate event; read for active Jobs without pods only."""
    progress: Mapping[str, str] = field(default_factory=dict)
    """Pod name -> last line of its log; read for running training pods only."""
    controller_revisions: tuple[Manifest, ...] = ()
    """ControllerRevisions labelled transferlearning.dev/transfermodel=<name>."""
    apis: Apis = Apis()
    inference_service: Manifest | None = None
    """The InferenceService of that name, ours or not."""
    revisions: tuple[Manifest, ...] = ()
    """Knative Revisions labelled serving.kserve.io/inferenceservice=<name>."""
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    """Revision name -> its last proof; from the shell's memory, so empty after a restart."""
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    """<kind>/<name> -> why the last write of it failed; from the shell's memory."""
