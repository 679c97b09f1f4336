"""spec.output and spec.serving: where artifacts go, and how the newest is served."""

from typing import Annotated, Literal

from pydantic import Field

from transfermodel_operator.api.int8 import Precision
from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.scalars import CronSchedule, ObjectName, OutputUri, TimeZoneName, rule, rules
from transfermodel_operator.api.spec.training import Resources


class Output(ApiModel):
    """Where artifacts are stored."""

    uri: OutputUri
    """A bucket or a prefix in it: s3://bucket/prefix, gs://bucket/prefix or az://container/prefix."""
    credentials_secret_name: ObjectName | None = None
    """A Secret like data.credentialsSecretName, with leave to write under uri."""


class WarmWindow(ApiModel):
    """Pods that are kept at certain hours, whatever the traffic."""

    schedule: CronSchedule
    """When the window opens, as in crontab: minute, hour, day of the month, month, day of the week."""
    time_zone: TimeZoneName = "UTC"
    """Whose clock the schedule means: a name of the IANA time zone database."""
    duration_seconds: Annotated[int, Field(ge=60, le=604800)]
    """How long the window stays open, in seconds."""
    replicas: Annotated[int, Field(ge=1, le=1000)]
    """Pods that run at least, while it is open; of windows that overlap the largest number counts."""


class Serving(ApiModel):
    """How the newest version is served."""

    model_config = {
        "json_schema_extra": rules(
            rule("self.minReplicas <= self.maxReplicas", "minReplicas must not exceed maxReplicas"),
            rule(
                "!has(self.warm) || self.warm.all(window, window.replicas <= self.maxReplicas)",
                "replicas of a warm window must not exceed maxReplicas",
            ),
        )
    }

    mode: Literal["Knative", "None"] = "Knative"
    """Knative: an InferenceService that scales with its traffic, to zero too. None: only train."""
    min_replicas: Annotated[int, Field(ge=0, le=1000)] = 0
    """Pods that always run; 0: scale to zero."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)] = 3
    """Pods at most."""
    container_concurrency: Annotated[int, Field(ge=0, le=1000)] = 0
    """Requests that one pod takes at a time; 0: no limit."""
    precision: Precision = "Float32"
    """What the network computes with. Int8: integers of 8 bits, which is several times as fast. A version that was
    found more than half a point less accurate so is not served; what was served before goes on."""
    scale_down_delay_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    """How much longer pods stay, the last one too, once the traffic needs fewer, in seconds. It comes on top of
    Knative's own stable window, in which the traffic is averaged: 60 s, unless the cluster's owner set another."""
    warm: Annotated[list[WarmWindow], Field(max_length=16)] | None = None
    """Hours at which pods are kept, so that nobody waits for the first."""
    resources: Resources | None = None
    """Compute resources of the predictor; default from the operator's settings."""
    service_account_name: ObjectName | None = None
    """ServiceAccount of the predictor, for cloud identities."""
