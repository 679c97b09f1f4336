"""What is known of a model, of its run, its pods and its story: plain values for commands to print."""

from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from transfermodel_operator.api import Int8Check

Where = Literal["local", "cluster"]


@dataclass(frozen=True)
class Cause:
    """Why a model is not ready, and what to do."""

    reason: str
    """One CamelCase word, mostly the condition's."""
    message: str
    """What is wrong, in a sentence or two."""
    remedies: tuple[str, ...] = ()
    """Commands, or sentences where no command can do it; each alone or one after the other."""
    fault: bool = True
    """False: nothing is wrong, it only takes its time."""


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    percent: int | None = None
    phase: str | None = None
    epoch: int | None = None
    epochs: int | None = None
    loss: str | None = None
    eta_seconds: int | None = None


@dataclass(frozen=True)
class Model:
    """One TransferModel at a glance."""

    where: Where
    name: str
    namespace: str
    stage: str
    ready: bool
    progress: Progress
    version: str | None = None
    """The version that serves; while none does, the newest."""
    accuracy: str | None = None
    accuracy_low: str | None = None
    accuracy_high: str | None = None
    """Ends of the 95 % interval."""
    url: str | None = None
    created_at: datetime | None = None
    cause: Cause | None = None
    """Why it is not ready; None when it is."""


@dataclass(frozen=True)
class ConditionView:
    """One condition, in words."""

    type: str
    status: str
    reason: str
    words: str
    """What the reason means, in a few words."""
    message: str
    since: datetime | None
    outdated: bool
    """It speaks of an earlier generation of the spec."""


@dataclass(frozen=True)
class VersionView:
    """One trained version."""

    name: str
    state: str
    """Live: it serves. Candidate: the newest, not serving (yet). Retired: replaced. Failed: it never became ready."""
    digest: str
    uri: str
    accuracy: str | None
    accuracy_low: str | None
    accuracy_high: str | None
    split: str | None
    """What the accuracy was measured on: test or validation."""
    samples: int | None
    """To train on."""
    classes: int | None
    seconds: float | None
    """Of the whole training run."""
    created_at: datetime | None
    int8: str = ""
    """Its accuracy in 8-bit integers; "refused" where it is not served so, empty where nothing is known of it."""
    where: Where = "cluster"
    location: str = ""
    """Folder of the artifact on this machine; empty in a cluster."""


def int8_figure(check: Int8Check | None) -> str:
    """Return what a list of versions says of 8-bit integers."""
    if check is None:
        return ""
    return "refused" if check.refusal else check.accuracy or ""


@dataclass(frozen=True)
class PodView:
    """One pod of a model, with its last words."""

    name: str
    role: Literal["trainer", "predictor"]
    phase: str
    node: str | None
    restarts: int
    problem: str = ""
    """Why it does not run, or how it ended; empty when all is well."""
    last_words: str = ""
    """Its termination message, in words."""
    log: tuple[str, ...] = ()
    """The last lines of its output."""


@dataclass(frozen=True)
class RunView:
    """The newest training run."""

    key: str
    attempt: int
    job: str | None
    """Name of its Job; None when that is gone."""
    state: Literal["Waiting", "Running", "Succeeded", "Failed", "Suspended"]
    started_at: datetime | None
    ended_at: datetime | None
    pods: tuple[PodView, ...]


@dataclass(frozen=True)
class RevisionView:
    """One Knative Revision."""

    name: str
    version: str | None
    ready: str
    """True, False or Unknown."""
    percent: int
    """Its share of the traffic."""
    message: str


@dataclass(frozen=True)
class ServingView:
    """What serves."""

    inference_service: str | None
    """Name; None: there is none."""
    revisions: tuple[RevisionView, ...]
    pods: tuple[PodView, ...]
    note: str
    """What to know about it, such as that it is scaled to zero."""


@dataclass(frozen=True)
class Moment:
    """One line of the story."""

    at: datetime
    what: str
    source: str
    warning: bool = False


@dataclass(frozen=True)
class Description:
    """Everything about one TransferModel of a cluster."""

    model: Model
    causes: tuple[Cause, ...]
    conditions: tuple[ConditionView, ...]
    versions: tuple[VersionView, ...]
    run: RunView | None
    serving: ServingView
    timeline: tuple[Moment, ...]
    unread: tuple[str, ...]
    """What this user may not see, so that nothing is said of it."""


def to_wire(value: Any) -> Any:
    """Return the JSON form: camelCase keys, times as Kubernetes writes them."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(field.name): to_wire(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(item) for item in value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
