"""spec.output and spec.serving: where artifacts go, and how the newest is served."""

from typing import Annotated, Literal

from pydantic import Field

from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.scalars import ObjectName, OutputUri, rule, rules
from transfermodel_operator.api.spec.training import Resources


class Output(ApiModel):
    """Where artifacts are stored."""

    uri: OutputUri
    """A bucket or a prefix in it: s3://bucket/prefix, gs://bucket/prefix or az://container/prefix."""
    credentials_secret_name: ObjectName | None = None
    """A Secret like data.credentialsSecretName, with leave to write under uri."""


class Serving(ApiModel):
    """How the newest version is served."""

    model_config = {
        "json_schema_extra": rules(
            rule("self.minReplicas <= self.maxReplicas", "minReplicas must not exceed maxReplicas"),
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
    resources: Resources | None = None
    """Compute resources of the predictor; default from the operator's settings."""
    service_account_name: ObjectName | None = None
    """ServiceAccount of the predictor, for cloud identities."""
