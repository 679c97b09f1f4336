"""One visit to a TransferModel: what was read, and what the phases have settled so far."""

from dataclasses import dataclass, field
from datetime import datetime

from transfermodel_operator.api import ConditionType, TransferModelSpec, TransferModelStatus
from transfermodel_operator.api.spec import Output
from transfermodel_operator.api.status import ServingStatus, TrainingStatus
from transfermodel_operator.findings import Finding
from transfermodel_operator.observed import Manifest, Observed, Refusal
from transfermodel_operator.plan import Deletion, ProofRequest
from transfermodel_operator.runs.outcome import Outcome
from transfermodel_operator.settings import Settings
from transfermodel_operator.versions import Version, read_versions
from transfermodel_operator.warm import Warmth


@dataclass
class Visit:
    """What the phases hand on to one another."""

    observed: Observed
    settings: Settings
    now: datetime

    spec: TransferModelSpec | None = None
    """None: it cannot be read."""
    run_key: str = ""
    warmth: Warmth = field(default_factory=Warmth)
    """What the windows of spec.serving.warm ask for now."""
    versions: list[Version] = field(init=False)
    """Oldest first; those that this visit records too."""
    chosen: Version | None = None
    """The version of the spec's own run, once that is recorded."""
    outcome: Outcome | None = None
    """What the spec's own run has come to, while it is not recorded."""

    findings: dict[ConditionType, Finding] = field(default_factory=dict)
    previous: TransferModelStatus = field(init=False)
    """The status as it was read; what cannot be read counts as absent."""
    training: TrainingStatus | None = None
    gpus: int = 0
    """What the run whose outcome is a result was given."""
    serving: ServingStatus | None = None
    serving_failed: str | None = None
    """Name of the version that could not become ready."""
    url: str | None = None

    deletions: list[Deletion] = field(default_factory=list)
    creations: list[Manifest] = field(default_factory=list)
    applies: list[Manifest] = field(default_factory=list)
    proof: ProofRequest | None = None
    again_after_seconds: float | None = None

    def __post_init__(self) -> None:
        """Read the versions and the former status."""
        self.versions = read_versions(self.observed.controller_revisions, self.uid)
        try:
            self.previous = TransferModelStatus.model_validate(self.model.get("status") or {})
        except ValueError:
            self.previous = TransferModelStatus()

    @property
    def model(self) -> Manifest:
        """The TransferModel as it was read."""
        return self.observed.model

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.model["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.model["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.model["metadata"]["uid"])

    @property
    def output(self) -> Output | None:
        """Where artifacts go."""
        return (self.spec.output if self.spec else None) or self.settings.output

    def find(self, condition: ConditionType, finding: Finding) -> None:
        """Settle a condition."""
        self.findings[condition] = finding

    def again(self, seconds: float) -> None:
        """Come back after this long at the latest."""
        self.again_after_seconds = min(self.again_after_seconds or seconds, max(seconds, 0.5))

    def delete(self, manifest: Manifest) -> None:
        """Delete an object that was read, unless somebody already has; a Job stays until its pods are gone."""
        metadata, kind = manifest["metadata"], manifest["kind"]
        if "deletionTimestamp" not in metadata:
            propagation = "Foreground" if kind == "Job" else "Background"
            self.deletions.append(
                Deletion(manifest["apiVersion"], kind, metadata["name"], metadata["uid"], propagation)  # type: ignore[arg-type]
            )

    def refusal(self, manifest: Manifest) -> Refusal | None:
        """Return why the last write of an object failed, while it is too early to try again."""
        refusal = self.observed.refusals.get(f"{manifest['kind']}/{manifest['metadata']['name']}")
        if refusal is None:
            return None
        wait = min(60.0, 1.0 * 2 ** min(refusal.count, 10)) - (self.now - refusal.at).total_seconds()
        if wait <= 0:
            return None
        self.again(wait)
        return refusal
