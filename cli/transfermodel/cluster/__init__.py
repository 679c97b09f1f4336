"""TransferModels in a cluster: the only package of the library that talks to an API server."""

from transfermodel.cluster.api import is_configured
from transfermodel.cluster.cluster import Cluster

__all__ = ["Cluster", "is_configured"]
