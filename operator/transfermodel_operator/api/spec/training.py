"""spec.training: how and where the training run happens."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.scalars import ObjectName, PositiveDecimal, Quantity, rule, rules

Strategy = Literal["FeatureExtraction", "FineTuning", "Auto"]

ALIKE: Final = 4
"""With at most so many trials at a time a search tries the same settings as with one."""


def _fine_tuning(schema: dict[str, Any]) -> None:
    """Add the rules, and leave out the defaults: a search varies what the user did not write.

    What an API server fills in looks as if the user had written it.
    """
    schema |= rules(
        rule(
            "!has(self.unfreeze) || self.unfreeze == 'LastStages' || !has(self.stages)",
            "stages goes with unfreeze: LastStages",
        ),
    )
    for field in schema["properties"].values():
        field.pop("default", None)


class FineTuning(ApiModel):
    """How the top of the backbone is trained."""

    model_config = {"json_schema_extra": _fine_tuning}

    unfreeze: Literal["LastStages", "All"] = "LastStages"
    """Which part of the backbone learns: its last stages, or all of it; default LastStages."""
    stages: Annotated[int, Field(ge=1, le=16)] | None = None
    """How many of the last stages learn, with LastStages; default 1."""
    epochs: Annotated[int, Field(ge=1, le=1000)] = 5
    """Passes over the training data; fewer when ten in a row make nothing better on the validation set; default 5."""
    learning_rate: PositiveDecimal = "1e-3"
    """The peak of the one-cycle schedule, as a string: of the head; stages of a pretrained backbone learn more slowly,
    the earlier the more; default "1e-3"."""
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 32
    """Samples per step; default 32."""


class Search(ApiModel):
    """Which settings suit the data is found out by trials; the model of the best one is published."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "has(self.trials) || has(self.maxDurationSeconds)",
                "set trials, maxDurationSeconds or both: a search must know when to end",
            ),
        )
    }

    trials: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many settings are tried; the first are those of a run without a search."""
    max_parallel: Annotated[int, Field(ge=1, le=16)] = 1
    """How many trials run at a time, as processes of the training pod that share its processors."""
    max_duration_seconds: Annotated[int, Field(ge=10, le=2592000)] | None = None
    """The search may take this long, in seconds, interruptions not counted; the first trial is finished in any case."""


class Resources(ApiModel):
    """Compute resources of the container, as in a pod."""

    limits: Annotated[dict[str, Quantity], Field(max_length=16)] | None = None
    """The most that it may use, such as cpu, memory, nvidia.com/gpu."""
    requests: Annotated[dict[str, Quantity], Field(max_length=16)] | None = None
    """What is set aside for it."""


class Toleration(ApiModel):
    """A node taint that the training pod tolerates, as in a pod."""

    key: Annotated[str, Field(max_length=316)] | None = None
    """The taint's key; empty with operator Exists: all."""
    operator: Literal["Exists", "Equal"] | None = None
    """How key and value are compared; default Equal."""
    value: Annotated[str, Field(max_length=63)] | None = None
    """The taint's value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; empty: all."""
    toleration_seconds: int | None = None
    """How long a NoExecute taint is tolerated, in seconds."""


class Budget(ApiModel):
    """The most that a run may use, over all its pods."""

    gpu_seconds: Annotated[int, Field(ge=1, le=2592000)] | None = None
    """Seconds of training times GPUs; then the best model so far is evaluated and published."""


class Training(ApiModel):
    """How and where the training run happens."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "!has(self.fineTuning) || self.strategy != 'FeatureExtraction'",
                "fineTuning goes with strategy: FineTuning or Auto",
            ),
            rule(
                "!has(self.budget) || !has(self.budget.gpuSeconds) || (has(self.resources) && "
                "has(self.resources.limits) && self.resources.limits.exists(name, name.endsWith('/gpu')))",
                "budget.gpuSeconds counts only with a GPU: set resources.limits, such as nvidia.com/gpu: 1",
            ),
        )
    }

    strategy: Strategy = "FeatureExtraction"
    """FeatureExtraction learns a new head on the frozen backbone; FineTuning also trains the backbone's top; Auto does
    the first, then, where time allows, the second, and keeps what is better on the validation set."""
    fine_tuning: FineTuning | None = None
    """Details of strategies FineTuning and Auto."""
    search: Search | None = None
    """Try settings and keep the best by the validation set, or by leaving out each sample in turn where there is none;
    what fineTuning says stays as it is."""
    seed: Annotated[int, Field(ge=0, le=2147483647)] = 0
    """Seed of every random choice."""
    max_duration_seconds: Annotated[int, Field(ge=10, le=2592000)] = 3600
    """Training may take this long, in seconds, interruptions not counted: then the best model so far is evaluated and
    published; without any the run has failed."""
    interruptible: bool = False
    """Let the training pod run on spot and preemptible nodes, as the operator's settings say; it goes on from its last
    checkpoint."""
    checkpoint_interval_seconds: Annotated[int, Field(ge=5, le=3600)] = 60
    """At most so much work is lost when the training pod is taken away, in seconds."""
    budget: Budget | None = None
    """The most that the run may use."""
    resources: Resources | None = None
    """Compute resources of the training container; default from the operator's settings."""
    node_selector: Annotated[dict[str, str], Field(max_length=32)] | None = None
    """Labels that the training pod's node must have."""
    tolerations: Annotated[list[Toleration], Field(max_length=32)] | None = None
    """Taints that the training pod tolerates."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of the training pod."""
    service_account_name: ObjectName | None = None
    """ServiceAccount of the training pod, for cloud identities; no token is mounted."""
