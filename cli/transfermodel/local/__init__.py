"""The engine of one machine: the cluster's trainer and predictor as plain processes."""

from transfermodel.local.serving import LocalServer, serve
from transfermodel.local.training import Trained, train

__all__ = ["LocalServer", "Trained", "serve", "train"]
