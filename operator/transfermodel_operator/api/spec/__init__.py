"""TransferModel.spec, part by part."""

from transfermodel_operator.api.spec.backbone import Backbone, Input, Weights
from transfermodel_operator.api.spec.data import Data, DataSource, Format
from transfermodel_operator.api.spec.serving import Output, Serving, WarmWindow
from transfermodel_operator.api.spec.training import (
    Budget,
    FineTuning,
    Resources,
    Search,
    Strategy,
    Toleration,
    Training,
)
from transfermodel_operator.api.spec.whole import Task, TransferModelSpec

__all__ = [
    "Backbone",
    "Budget",
    "Data",
    "DataSource",
    "FineTuning",
    "Format",
    "Input",
    "Output",
    "Resources",
    "Search",
    "Serving",
    "Strategy",
    "Task",
    "Toleration",
    "Training",
    "TransferModelSpec",
    "WarmWindow",
    "Weights",
]
