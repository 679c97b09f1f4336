"""All input and output with the API server; the only package that imports the Kubernetes client.

What it asks for, which is what the operator's roles must allow and all that they allow:

| API group           | resource               | verbs                                    |
|---------------------|------------------------|------------------------------------------|
| transferlearning.dev | transfermodels        | get, list, watch                         |
| transferlearning.dev | transfermodels/status | patch                                    |
| batch               | jobs                   | list, watch, create, patch, delete       |
| core                | pods                   | list, watch                              |
| core                | pods/log               | get                                      |
| core                | services               | get (the address of a Revision's own Service) |
| core                | events                 | list (why a Job's pods are refused), create |
| apps                | controllerrevisions    | list, create                             |
| serving.kserve.io   | inferenceservices      | get, list, watch, create, patch, delete  |
| serving.knative.dev | revisions              | list, watch                              |
| coordination.k8s.io | leases                 | get, create, update; own namespace only  |

The watches are Kopf's.
"""

from transfermodel_operator.cluster.apply import apply, apply_status
from transfermodel_operator.cluster.client import Client
from transfermodel_operator.cluster.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    KindAbsentError,
    NotFoundError,
    PermanentError,
    TemporaryError,
)
from transfermodel_operator.cluster.observe import Memory, observe

__all__ = [
    "AlreadyExistsError",
    "Client",
    "ClusterError",
    "ConflictError",
    "KindAbsentError",
    "Memory",
    "NotFoundError",
    "PermanentError",
    "TemporaryError",
    "apply",
    "apply_status",
    "observe",
]
