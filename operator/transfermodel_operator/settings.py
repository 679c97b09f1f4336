"""What the platform's owner decides; read once, from one environment variable that the chart fills."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field

from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.spec import Output, Resources, Toleration

SETTINGS_VARIABLE: Final = "TRANSFERMODEL_OPERATOR_SETTINGS"
"""Environment variable that holds the Settings as JSON in camelCase."""


def default_trainer_resources() -> Resources:
    """Return what a training container gets unless the spec says otherwise; no CPU limit, it would only throttle."""
    return Resources(requests={"cpu": "500m", "memory": "1Gi"}, limits={"memory": "4Gi"})


def default_predictor_resources() -> Resources:
    """Return what a predictor container gets unless the spec says otherwise.

    The CPU limit is what the predictor counts its threads by, and without one KServe would set its own.
    """
    return Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"cpu": 2, "memory": "1Gi"})


class Interruptible(ApiModel):
    """What a training pod with spec.training.interruptible gets beside what its TransferModel asks for."""

    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels of the nodes that may be taken away at any time; empty: any node will do."""
    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints that keep other pods off those nodes."""


class Tracing(ApiModel):
    """Where predictors send traces."""

    endpoint: Annotated[str, Field(max_length=2048, pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")]
    """Address of a collector that takes OTLP over HTTP, such as http://collector.observability:4318; predictors add
    /v1/traces to it."""
    sampling_rate: Annotated[float, Field(ge=0, le=1)] = 1
    """The share of requests that get a trace; where the caller has one, the caller's decision counts."""


class Settings(ApiModel):
    """Settings of the operator."""

    trainer_image: str
    predictor_image: str
    """The image of versions recorded from now on; earlier versions keep theirs."""
    predictor_gpu_image: str | None = None
    """The image of predictors that ask for a GPU, of versions recorded from now on, and of those recorded without any;
    without one such predictors are not started."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    output: Output | None = None
    """Where artifacts go when spec.output is not set."""
    trainer_resources: Resources = Field(default_factory=default_trainer_resources)
    predictor_resources: Resources = Field(default_factory=default_predictor_resources)
    target_concurrency: Annotated[int, Field(ge=1, le=1000)] = 16
    """Requests that a predictor pod has at a time, on average, before there is another; of versions recorded from now
    on, without a containerConcurrency."""
    progress_deadline_seconds: Annotated[int, Field(ge=30, le=3600)] = 600
    """How long a predictor may take to become ready, its download included, before its revision has failed; of versions
    recorded from now on."""
    access_log: bool = False
    """Whether predictors log a line for each request; those of versions recorded from now on."""
    tracing: Tracing | None = None
    """Where predictors send traces; those of versions recorded from now on."""
    interruptible: Interruptible = Interruptible()
    """Where training pods go that may be interrupted."""
    allow_named_weights: bool = True
    """Whether torchvision's own (.pth) weights may be loaded."""
    watch_namespaces: list[str] = Field(default_factory=list)
    """Empty: all."""
    ingress_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port of the ingress as users reach it; written into status.url unless it is the scheme's own."""
    cluster_domain: str = "cluster.local"
    relist_seconds: Annotated[int, Field(ge=1)] = 60
    progress_seconds: Annotated[int, Field(ge=1)] = 2
    """How often the last line of a running training pod is read."""
    progress_updates: Annotated[int, Field(ge=0)] = 6
    """How often at most progress is written to status, per run."""
    liveness_port: Annotated[int, Field(ge=1, le=65535)] = 8080

    def predictor(self) -> dict[str, Any]:
        """Return what a version recorded now will be served by, for as long as it lives."""
        remembered: dict[str, Any] = {
            "image": self.predictor_image,
            "imagePullPolicy": self.image_pull_policy,
            "resources": self.predictor_resources.to_wire(),
            "targetConcurrency": self.target_concurrency,
            "progressDeadlineSeconds": self.progress_deadline_seconds,
        }
        # Only where it is asked for: what all versions have is a format.
        if self.predictor_gpu_image is not None:
            remembered["gpuImage"] = self.predictor_gpu_image
        if self.access_log:
            remembered["accessLog"] = True
        if self.tracing is not None:
            remembered["tracing"] = self.tracing.to_wire()
        return remembered

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings.

        Raises:
            ValueError: The variable is missing, or a setting is wrong; the message says which.
        """
        text = environment.get(SETTINGS_VARIABLE)
        if not text:
            raise ValueError(f"Set {SETTINGS_VARIABLE} to the operator's settings as JSON; the Helm chart does so.")
        return cls.model_validate_json(text)
