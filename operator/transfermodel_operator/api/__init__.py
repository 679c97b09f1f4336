"""All types of the API, and of the contract between operator and trainer; pydantic only, no I/O."""

from transfermodel_operator.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from transfermodel_operator.api.int8 import Int8Check
from transfermodel_operator.api.meta import API_VERSION, GROUP, KIND, PLURAL, VERSION, ApiModel
from transfermodel_operator.api.run import (
    BaseArtifact,
    FailureClass,
    RunBackbone,
    RunFailure,
    RunProgress,
    RunRequest,
    RunResult,
    RunTraining,
)
from transfermodel_operator.api.spec import TransferModelSpec
from transfermodel_operator.api.status import TransferModelStatus

__all__ = [
    "API_VERSION",
    "GROUP",
    "KIND",
    "PLURAL",
    "VERSION",
    "ApiModel",
    "BaseArtifact",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "FailureClass",
    "Int8Check",
    "Reason",
    "RunBackbone",
    "RunFailure",
    "RunProgress",
    "RunRequest",
    "RunResult",
    "RunTraining",
    "TransferModelSpec",
    "TransferModelStatus",
]
