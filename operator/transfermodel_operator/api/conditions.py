"""Conditions and their reasons."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from transfermodel_operator.api.meta import ApiModel

ConditionStatus = Literal["True", "False", "Unknown"]


class ConditionType(StrEnum):
    """What a TransferModel reports on, in the order in which it comes true."""

    DATA_READY = "DataReady"
    TRAINED = "Trained"
    EVALUATED = "Evaluated"
    SERVING = "Serving"
    READY = "Ready"


class Reason(StrEnum):
    """Why a condition has its status. Those of the trainer travel in the termination message."""

    # Progress
    RECONCILING = "Reconciling"
    WAITING_FOR_BASE = "WaitingForBase"
    PENDING = "Pending"
    PULLING_IMAGE = "PullingImage"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    DEPLOYING = "Deploying"
    RETRYING = "Retrying"
    # Success
    SUCCEEDED = "Succeeded"
    SERVED = "Served"
    NOT_SERVED = "NotServed"  # serving.mode None: that is what was asked for
    # The user's spec
    INVALID_SPEC = "InvalidSpec"
    INVALID_NAME = "InvalidName"
    OUTPUT_MISSING = "OutputMissing"
    BASE_NOT_FOUND = "BaseNotFound"
    BASE_CYCLE = "BaseCycle"
    BASE_FAILED = "BaseFailed"
    UNKNOWN_BACKBONE = "UnknownBackbone"
    INPUT_REQUIRED = "InputRequired"
    WEIGHTS_UNAVAILABLE = "WeightsUnavailable"
    WEIGHTS_MISMATCH = "WeightsMismatch"
    # The user's data
    DATA_NOT_FOUND = "DataNotFound"
    DATA_ACCESS_DENIED = "DataAccessDenied"
    DATA_INVALID = "DataInvalid"
    EMPTY_CLASS = "EmptyClass"
    TOO_FEW_CLASSES = "TooFewClasses"
    CLASSES_DIFFER = "ClassesDiffer"
    TOO_MANY_UNREADABLE_FILES = "TooManyUnreadableFiles"
    UNSAFE_ARCHIVE = "UnsafeArchive"
    # Storage and output
    OUTPUT_NOT_WRITABLE = "OutputNotWritable"
    STORAGE_UNAVAILABLE = "StorageUnavailable"
    # The run
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, not a secret
    POD_NOT_CREATED = "PodNotCreated"
    UNSCHEDULABLE = "Unschedulable"
    VOLUME_NOT_READY = "VolumeNotReady"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    OUT_OF_MEMORY = "OutOfMemory"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    EXPORT_MISMATCH = "ExportMismatch"
    TRAINING_DIVERGED = "TrainingDiverged"
    RUN_FAILED = "RunFailed"
    # Serving
    NAME_CONFLICT = "NameConflict"
    KSERVE_NOT_INSTALLED = "KServeNotInstalled"
    KNATIVE_NOT_INSTALLED = "KnativeNotInstalled"
    KSERVE_UNAVAILABLE = "KServeUnavailable"
    KNATIVE_UNAVAILABLE = "KnativeUnavailable"
    PRECISION_REFUSED = "PrecisionRefused"
    GPU_NOT_USABLE = "GpuNotUsable"
    PREDICTOR_FAILED = "PredictorFailed"
    PREDICTION_FAILED = "PredictionFailed"


class Condition(ApiModel):
    """One condition, as Kubernetes' metav1.Condition."""

    type: Annotated[str, Field(max_length=316)]
    """What this condition is about."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, in one CamelCase word."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """What happened and what to do, in a sentence."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When the status last changed."""
    observed_generation: int | None = None
    """The generation of the spec that this speaks of."""
