"""The contract between operator and trainer: one request in, progress lines and one outcome out."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from transfermodel_operator.api.conditions import Reason
from transfermodel_operator.api.int8 import Int8Check
from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.spec import (
    Budget,
    DataSource,
    FineTuning,
    Format,
    Input,
    Search,
    Strategy,
    Task,
    Weights,
)

REQUEST_VARIABLE: Final = "TRANSFERMODEL_RUN"
"""Environment variable that holds the RunRequest as JSON."""

DATA_CREDENTIALS_PREFIX: Final = "TRANSFERMODEL_DATA_"
OUTPUT_CREDENTIALS_PREFIX: Final = "TRANSFERMODEL_OUTPUT_"
"""The keys below arrive as environment variables with these prefixes: two secrets, two purposes."""

CREDENTIAL_KEYS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BASE_URL",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_ENDPOINT",
)
REQUIRED_CREDENTIAL_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

CLAIMS_FOLDER: Final = "/mnt/pvc"
"""In the training pod: each PersistentVolumeClaim of a pvc:// URI is mounted read-only in a folder of its name."""

EXIT_SUCCEEDED: Final = 0
EXIT_FAILED: Final = 1
"""A crash, with a RunFailure RunFailed where it could still be written: the Job tries again, up to its backoffLimit."""
EXIT_USER_ERROR: Final = 42
"""A failure that the trainer understood, of any class: the Job fails at once (podFailurePolicy FailJob), the operator
decides by the failure's class; so a storage outage is retried with the operator's backoff, not by the Job."""

EXIT_INTERRUPTED: Final = 143
"""128 + SIGTERM: somebody ended the process, which took a checkpoint where it had something to keep. No failure: the
Job starts another pod, and the run goes on."""

TERMINATION_MESSAGE_LIMIT: Final = 3072
"""Bytes of JSON in the termination message; Kubernetes keeps the last 4096 of it."""


class FailureClass(StrEnum):
    """Who can mend a failure."""

    USER = "User"
    """The spec or the data is wrong; retried when either changes."""
    STORAGE = "Storage"
    """Storage did not answer or refused to write; retried by itself with backoff."""
    RUN = "Run"
    """Anything else."""


class BaseArtifact(ApiModel):
    """The version of another TransferModel whose trunk is the start."""

    transfer_model: str
    version: str
    uri: str
    """Folder of the artifact, without a trailing slash."""
    digest: str
    """sha256:… of its manifest.json."""


class RunBackbone(ApiModel):
    """Exactly one of (name with weights) and base."""

    name: str | None = None
    weights: Weights | None = None
    base: BaseArtifact | None = None
    input: Input | None = None


class RunData(ApiModel):
    """The data of the run."""

    train: DataSource
    validation: DataSource | None = None
    test: DataSource | None = None
    validation_fraction: str = "0.2"
    format: Format | None = None


class RunTraining(ApiModel):
    """The learning of the run."""

    strategy: Strategy
    fine_tuning: FineTuning | None = None
    search: Search | None = None
    fixed: list[str] | None = None
    """Fields of fineTuning, such as learningRate, that the spec sets: a search leaves them as they are."""
    seed: int = 0
    max_duration_seconds: int = 3600
    checkpoint_interval_seconds: int = 60
    budget: Budget | None = None


class RunRequest(ApiModel):
    """Everything that the trainer needs to know, but for credentials."""

    run: str
    """The run's key (hex)."""
    namespace: str
    name: str
    """The TransferModel's name."""
    task: Task
    backbone: RunBackbone
    data: RunData
    training: RunTraining
    output_uri: str
    """Results go to <outputUri>/<namespace>/<name>/runs/<run>/<inputsDigest>/."""
    allow_named_weights: bool = True
    """Whether torchvision's own (.pth) weights may be loaded, always with weights_only; a setting of the operator."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs that the pod was given, by its resources: the trainer says so when it finds no CUDA."""


class RunProgress(ApiModel):
    """One line of JSON on stdout per step of progress."""

    phase: Literal["Data", "Backbone", "Features", "Training", "Search", "Evaluation", "Publishing"]
    percent: Annotated[int, Field(ge=0, le=100)]
    """Of the whole run."""
    epoch: int | None = None
    """How many epochs are done; of a search: how many trials."""
    epochs: int | None = None
    """Of how many."""
    eta_seconds: int | None = None
    loss: str | None = None
    accuracy: str | None = None
    """On the validation set after the last epoch, or of the best trial so far; none without one."""


class RunCounts(ApiModel):
    """What the data held, in samples."""

    classes: int
    train: int
    validation: int = 0
    test: int = 0
    skipped: int = 0
    """Files that could not be read as what the task needs."""


class RunResult(ApiModel):
    """What a finished run writes to the termination message, and to result.json in full."""

    outcome: Literal["Succeeded"] = "Succeeded"
    run: str
    inputs_digest: str
    """Hash of what the data and weights held when the run began."""
    data_digest: str
    """Hash over key, size and ETag of every object of the data."""
    uri: str
    """Folder of the artifact, without a trailing slash."""
    digest: str
    """sha256:… of the artifact's manifest.json: the version's digest."""
    metrics: dict[str, str]
    """Headline metrics: accuracy, accuracyLow and accuracyHigh (95 % interval), crossEntropy, …"""
    metrics_split: Literal["test", "validation"]
    """What the metrics were measured on."""
    estimated: bool
    """True when there was no test set."""
    counts: RunCounts
    seconds: dict[str, float]
    """Seconds per phase; `total` is the whole run."""
    device: str
    """cpu, or cuda with the device's name."""
    reused: bool = False
    """True when a stored result of the same inputs was returned and nothing was trained."""
    base_digest: str | None = None
    strategy: Strategy | None = None
    """What the published model was made by: with Auto the one that was better on the validation set."""
    budget_exceeded: str | None = None
    """The field of the spec, such as spec.training.maxDurationSeconds, that ended training before it was done."""
    int8: Int8Check | None = None
    """What came of the model in 8-bit integers."""
    warnings: list[str] = []
    """Sentences for people, such as how many files were skipped."""


class RunFailure(ApiModel):
    """What a failed run writes to the termination message."""

    outcome: Literal["Failed"] = "Failed"
    failure: FailureClass
    reason: Reason
    message: str
    """What is wrong and what to do."""
