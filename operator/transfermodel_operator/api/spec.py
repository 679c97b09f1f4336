"""TransferModel.spec: what the user wants."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.scalars import (
    BackboneName,
    ColumnName,
    DataUri,
    Decimal,
    Fraction,
    ObjectName,
    OutputUri,
    PositiveDecimal,
    Quantity,
    TransferModelName,
    WeightsUri,
    rule,
    rules,
)


class Weights(ApiModel):
    """Where the backbone's pretrained weights come from; exactly one of name, uri and scratch."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "[has(self.name), has(self.uri), has(self.scratch)].filter(x, x).size() == 1",
                "set exactly one of name, uri and scratch",
            )
        )
    }

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9_]+$")] | None = None
    """The library's own name of its weights, such as IMAGENET1K_V1, or DEFAULT for its best."""
    uri: WeightsUri | None = None
    """A .safetensors state dict at s3:// or https://; its classifier is dropped, every other tensor must fit."""
    scratch: Literal[True] | None = None
    """Start from random weights: training from scratch. Goes with strategy FineTuning and unfreeze All."""


class Input(ApiModel):
    """How an image becomes the backbone's input tensor."""

    model_config = {
        "json_schema_extra": rules(
            rule("has(self.mean) == has(self.std)", "set mean and std together, or neither (then those of ImageNet)"),
        )
    }

    size: Annotated[int, Field(ge=8, le=1024)]
    """Height and width of the input, in pixels."""
    resize: Literal["ShortestSide", "Exact"] = "ShortestSide"
    """ShortestSide keeps the proportions and crops the centre; Exact stretches to a square."""
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"
    """How pixels are resampled."""
    mean: Annotated[list[Decimal], Field(min_length=3, max_length=3)] | None = None
    """Mean of the red, green and blue channel after scaling to 0..1; default: ImageNet's."""
    std: Annotated[list[PositiveDecimal], Field(min_length=3, max_length=3)] | None = None
    """Standard deviation of the red, green and blue channel after scaling to 0..1; default: ImageNet's."""


class Backbone(ApiModel):
    """The pretrained network to start from; exactly one of name and fromTransferModel."""

    model_config = {
        "json_schema_extra": rules(
            rule("has(self.name) != has(self.fromTransferModel)", "set exactly one of name and fromTransferModel"),
            rule(
                "!has(self.name) || has(self.weights)",
                "weights is required with name: {name}, {uri} or {scratch: true}",
            ),
            rule(
                "!has(self.fromTransferModel) || !has(self.weights)",
                "weights goes with name, not with fromTransferModel",
            ),
            rule(
                "!has(self.weights) || has(self.weights.name) || has(self.input)",
                "input is required with weights.uri and weights.scratch: they bring no preprocessing of their own",
            ),
        )
    }

    name: BackboneName | None = None
    """<library>/<architecture>: torchvision/ and any of its classification models, such as torchvision/resnet18."""
    weights: Weights | None = None
    """The pretrained weights of the named architecture."""
    from_transfer_model: TransferModelName | None = None
    """Start from the trunk of another TransferModel's newest version, in the same namespace."""
    input: Input | None = None
    """The input's size and normalisation; default: the named weights' own, or those of fromTransferModel."""


class DataSource(ApiModel):
    """Labelled images."""

    uri: DataUri
    """A folder (s3://) with one sub-folder per class, a .tar, .tar.gz, .tgz or .zip of it (s3:// or https://), or an
    index file (s3://), .csv or .jsonl, whose rows name image files, relative to its own folder, and their labels."""


class Format(ApiModel):
    """What the columns of an index file (.csv, .jsonl) are called."""

    path_column: ColumnName = "file"
    """The column, or JSON key, with the image file's path, relative to the index file's folder."""
    label_column: ColumnName = "label"
    """The column, or JSON key, with the label."""


class Data(ApiModel):
    """The data to learn from and to be judged on."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "!has(self.validation) || !has(self.validationFraction)",
                "set validation or validationFraction, not both",
            ),
            rule(
                "!has(self.format) || [self.train.uri, has(self.validation) ? self.validation.uri : '', "
                "has(self.test) ? self.test.uri : ''].exists(uri, uri.endsWith('.csv') || uri.endsWith('.jsonl'))",
                "format goes with an index file: a uri that ends in .csv or .jsonl",
            ),
        )
    }

    train: DataSource
    """What to learn from."""
    validation: DataSource | None = None
    """What to choose by; default: a part of train, by a hash of each sample, so that no sample ever changes sides."""
    test: DataSource | None = None
    """The holdout that the reported metrics come from; without it they are estimated."""
    validation_fraction: Fraction | None = None
    """The part of train that is held out when validation is not set; default "0.2"."""
    format: Format | None = None
    """What the columns of index files are called; default: file and label."""
    credentials_secret_name: ObjectName | None = None
    """A Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where needed, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL and
    AWS_REGION."""


class FineTuning(ApiModel):
    """How the top of the backbone is trained."""

    model_config = {
        "json_schema_extra": rules(
            rule("self.unfreeze == 'LastStages' || !has(self.stages)", "stages goes with unfreeze: LastStages"),
        )
    }

    unfreeze: Literal["LastStages", "All"] = "LastStages"
    """Which part of the backbone learns: its last stages, or all of it."""
    stages: Annotated[int, Field(ge=1, le=16)] | None = None
    """How many of the last stages learn, with LastStages; default 1."""
    epochs: Annotated[int, Field(ge=1, le=1000)] = 5
    """Passes over the training data."""
    learning_rate: PositiveDecimal = "1e-3"
    """The peak of the one-cycle schedule, as a string."""
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 32
    """Samples per step."""


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


class Training(ApiModel):
    """How and where the training run happens."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "!has(self.fineTuning) || self.strategy == 'FineTuning'",
                "fineTuning goes with strategy: FineTuning",
            ),
        )
    }

    strategy: Literal["FeatureExtraction", "FineTuning"] = "FeatureExtraction"
    """FeatureExtraction learns a new head on the frozen backbone; FineTuning also trains the backbone's top."""
    fine_tuning: FineTuning | None = None
    """Details of strategy FineTuning."""
    seed: Annotated[int, Field(ge=0, le=2147483647)] = 0
    """Seed of every random choice."""
    max_duration_seconds: Annotated[int, Field(ge=10, le=2592000)] = 3600
    """The run is stopped as failed when its training has taken this long, in seconds."""
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


class Output(ApiModel):
    """Where artifacts are stored."""

    uri: OutputUri
    """A bucket or a prefix in it: s3://bucket/prefix."""
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


class TransferModelSpec(ApiModel):
    """A task, a pretrained backbone and data: what to learn, from what, and how to serve it."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "!has(self.backbone.weights) || !has(self.backbone.weights.scratch) || "
                "(self.training.strategy == 'FineTuning' && has(self.training.fineTuning) "
                "&& self.training.fineTuning.unfreeze == 'All')",
                "weights {scratch: true} have nothing to extract: "
                "use training {strategy: FineTuning, fineTuning: {unfreeze: All}}",
            ),
        )
    }

    task: Literal["ImageClassification"]
    """What the model does."""
    backbone: Backbone
    """The pretrained network to start from."""
    data: Data
    """The data to learn from and to be judged on."""
    training: Training = Training()
    """How and where the training run happens."""
    output: Output | None = None
    """Where artifacts are stored; default from the operator's settings."""
    serving: Serving = Serving()
    """How the newest version is served."""
    suspend: bool = False
    """Stop training and start no new run; what serves goes on serving."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        """Hold the one-of rules for readers that have no API server (CEL holds them there)."""
        backbone = self.backbone
        if (backbone.name is None) == (backbone.from_transfer_model is None):
            raise ValueError("spec.backbone: set exactly one of name and fromTransferModel")
        weights = backbone.weights
        if weights is not None and sum(x is not None for x in (weights.name, weights.uri, weights.scratch)) != 1:
            raise ValueError("spec.backbone.weights: set exactly one of name, uri and scratch")
        return self
