"""The PersistentVolumeClaims that a training pod reads its data from."""

from typing import Any, Final

from transfermodel_operator.api.run import CLAIMS_FOLDER
from transfermodel_operator.api.spec import Data

SCHEME: Final = "pvc://"


def claims_of(data: Data) -> list[str]:
    """Return the names of the claims that the data's URIs speak of, each once."""
    sources = [source for source in (data.train, data.validation, data.test) if source is not None]
    uris = [source.uri for source in sources if source.uri.startswith(SCHEME)]
    return list(dict.fromkeys(uri.removeprefix(SCHEME).partition("/")[0] for uri in uris))


def volumes(claims: list[str]) -> list[dict[str, Any]]:
    """Return the pod's volumes. Read-only here too: the kubelet then leaves the owner of each file as it is."""
    return [
        {"name": _volume(number), "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
        for number, claim in enumerate(claims, start=1)
    ]


def mounts(claims: list[str]) -> list[dict[str, Any]]:
    """Return where they are mounted in the container."""
    return [
        {"name": _volume(number), "mountPath": f"{CLAIMS_FOLDER}/{claim}", "readOnly": True}
        for number, claim in enumerate(claims, start=1)
    ]


def _volume(number: int) -> str:
    """Return a volume's name: a claim's may be longer than that, and hold dots."""
    return f"data-{number}"
