"""What the trainer's and the predictor's containers have in common."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from transfermodel_operator.api.run import CREDENTIAL_KEYS, REQUIRED_CREDENTIAL_KEYS
from transfermodel_operator.api.spec import Resources
from transfermodel_operator.resources.quantities import parse_quantity

USER: Final = 65532
GPU: Final = "nvidia.com/gpu"
GPU_SUFFIX: Final = "/gpu"
"""Of the resource's name, whoever made the GPU: nvidia.com/gpu, amd.com/gpu."""

SECURITY_CONTEXT: Final[Mapping[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Pod Security `restricted`, whole, on the container: Knative drops it at the pod's level."""


KEYS_OF_SCHEME: Final = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}
"""Scheme of a URI -> how the credential keys of its store begin."""


def credentials(secret_name: str | None, uris: Iterable[str | None], prefix: str = "") -> list[dict[str, Any]]:
    """Return credentials of the stores of some URIs as environment variables, key by key: a Secret can set no other.

    A missing Secret or a missing required key keeps the container from starting, and the pod says so. Google and Azure
    know several kinds of credentials, so none of their keys is required.
    """
    if secret_name is None:
        return []
    schemes = {urlsplit(uri).scheme for uri in uris if uri}
    stores = tuple(start for scheme, start in KEYS_OF_SCHEME.items() if scheme in schemes)
    return [
        {
            "name": f"{prefix}{key}",
            "valueFrom": {
                "secretKeyRef": {"name": secret_name, "key": key}
                | ({} if key in REQUIRED_CREDENTIAL_KEYS else {"optional": True})
            },
        }
        for key in CREDENTIAL_KEYS
        if key.startswith(stores)
    ]


def gpus(resources: Mapping[str, Mapping[str, str]]) -> int:
    """Return how many GPUs a container is given; of whole ones only, as Kubernetes does."""
    limits = resources.get("limits", {})
    return sum(int(parse_quantity(amount)) for name, amount in limits.items() if name.endswith(GPU_SUFFIX))


def resources(wanted: Resources | None, defaults: Resources) -> dict[str, dict[str, str]]:
    """Return the container's resources: a default holds for a resource that the user names in neither place.

    So a user's limit is never below a default request, nor a user's request above a default limit.
    """
    wanted = wanted or Resources()
    named = {*(wanted.limits or {}), *(wanted.requests or {})}
    merged = {}
    for key, own, default in (
        ("limits", wanted.limits or {}, defaults.limits or {}),
        ("requests", wanted.requests or {}, defaults.requests or {}),
    ):
        quantities = {name: str(value) for name, value in default.items() if name not in named}
        quantities |= {name: str(value) for name, value in own.items()}
        if quantities:
            merged[key] = dict(sorted(quantities.items()))
    return merged


def whole_resources(wanted: Resources | None, defaults: Resources) -> dict[str, dict[str, str]]:
    """Return the container's resources with a limit and a request for all that has a default.

    What is left open KServe fills in by its own configuration, without a look at what is there: as shipped a limit of
    one CPU and a request of one CPU and 2Gi. A limit below the request, or above it, would then be refused.
    """
    merged = resources(wanted, defaults)
    limits, requests = dict(merged.get("limits", {})), dict(merged.get("requests", {}))
    for name, value in (defaults.limits or {}).items():
        limits.setdefault(name, max(str(value), requests.get(name, "0"), key=parse_quantity))
    for name, value in (defaults.requests or {}).items():
        requests.setdefault(name, min(str(value), limits.get(name, str(value)), key=parse_quantity))
    whole = {"limits": dict(sorted(limits.items())), "requests": dict(sorted(requests.items()))}
    return {key: amounts for key, amounts in whole.items() if amounts}
