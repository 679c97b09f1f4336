"""The cluster around one TransferModel, as plain data; objects are dicts, as the API server returns them."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from transfermodel_operator.api.run import REQUIRED_CREDENTIAL_KEYS
from transfermodel_operator.resources import names
from transfermodel_operator.settings import Settings

from transfermodel.cluster.kinds import Manifest

OTHER_STORES: Final = frozenset({"GOOGLE", "AZURE"})
"""How the keys of stores begin none of which is required."""


@dataclass(frozen=True)
class Secret:
    """The keys of a Secret; never their values."""

    keys: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys without which no container starts: those of S3, unless it is for another store."""
        stores = {key.partition("_")[0] for key in self.keys} & OTHER_STORES
        if stores and not any(key in self.keys for key in REQUIRED_CREDENTIAL_KEYS):
            return ()
        return tuple(key for key in REQUIRED_CREDENTIAL_KEYS if key not in self.keys)


@dataclass(frozen=True)
class Operator:
    """One installation of the operator."""

    deployment: Manifest
    pods: tuple[Manifest, ...] = ()

    @property
    def namespace(self) -> str:
        """Where it is installed."""
        return str(self.deployment["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """Name of its Deployment."""
        return str(self.deployment["metadata"]["name"])

    @property
    def available(self) -> bool:
        """A pod of it is ready."""
        return bool((self.deployment.get("status") or {}).get("availableReplicas"))

    @property
    def version(self) -> str:
        """Of the chart; empty when it is not told."""
        return str((self.deployment["metadata"].get("labels") or {}).get("app.kubernetes.io/version", ""))

    @property
    def settings(self) -> Settings | None:
        """What the platform's owner has set; None when it cannot be read (a newer operator's)."""
        for container in self.deployment["spec"]["template"]["spec"]["containers"]:
            values = {entry["name"]: entry.get("value", "") for entry in container.get("env") or []}
            try:
                return Settings.from_environment(values)
            except ValueError:
                continue
        return None

    def watches(self, namespace: str) -> bool:
        """Tell whether it looks after TransferModels of that namespace."""
        settings = self.settings
        return settings is None or not settings.watch_namespaces or namespace in settings.watch_namespaces


@dataclass(frozen=True)
class Surroundings:
    """Everything that says why a TransferModel is as it is."""

    model: Manifest
    jobs: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    """Of training and of serving."""
    controller_revisions: tuple[Manifest, ...] = ()
    inference_service: Manifest | None = None
    revisions: tuple[Manifest, ...] = ()
    events: tuple[Manifest, ...] = ()
    """Of the objects above."""
    secrets: dict[str, Secret | None] = field(default_factory=dict)
    """Those that the spec names, as far as this user may read them; None: there is none of that name."""
    operators: tuple[Operator, ...] | None = None
    """None: this user may not see."""
    logs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Pod name -> the last lines of its output."""
    unread: tuple[str, ...] = ()
    """What this user may not see."""

    @property
    def name(self) -> str:
        """The TransferModel's name."""
        return str(self.model["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.model["metadata"]["namespace"])

    @property
    def spec(self) -> dict[str, Any]:
        """As the API server has it."""
        return dict(self.model.get("spec") or {})

    @property
    def status(self) -> dict[str, Any]:
        """As the operator wrote it; read leniently, as a newer operator may have."""
        return dict(self.model.get("status") or {})

    def condition(self, kind: str) -> dict[str, Any]:
        """Return one condition, or {}."""
        return next((dict(c) for c in self.status.get("conditions") or [] if c["type"] == kind), {})

    def credentials(self, part: str) -> str | None:
        """Return the name of the Secret for `data` or `output`; of the latter the operator may have a default."""
        own = self.spec.get(part) or {}
        if part == "output" and not own.get("uri"):
            operators = [operator for operator in self.operators or () if operator.watches(self.namespace)]
            settings = operators[0].settings if operators else None
            return settings.output.credentials_secret_name if settings and settings.output else None
        name = own.get("credentialsSecretName")
        return str(name) if name else None

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Every Secret that its pods need."""
        found = [self.credentials("data"), self.credentials("output")]
        return tuple(dict.fromkeys(name for name in found if name))

    def lacking(self) -> tuple[str, ...]:
        """Return the resources that the scheduler finds on no node, such as nvidia.com/gpu."""
        found: dict[str, None] = {}
        for pod in self.pods:
            for condition in (pod.get("status") or {}).get("conditions") or []:
                if condition["type"] == "PodScheduled" and condition["status"] == "False":
                    said = condition.get("message") or ""
                    found |= dict.fromkeys(re.findall(r"Insufficient ([a-z0-9./-]*[a-z0-9])", said))
        return tuple(found)

    def training_pod_waits(self) -> bool:
        """Tell whether a training pod is there that has not started."""
        return any(
            names.RUN_LABEL in (pod["metadata"].get("labels") or {})
            and (pod.get("status") or {}).get("phase") == "Pending"
            for pod in self.pods
        )
