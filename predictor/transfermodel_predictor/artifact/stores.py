"""From a URI and the variables of its cloud to one of obstore's stores; nothing is asked of it yet.

A pod never gets what its node may do: no store asks a metadata address for credentials. Without keys requests go
unsigned, which is what public buckets take.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple, cast

from obstore import store

CLIENT: Final[Any] = {
    "allow_http": True,
    "connect_timeout": timedelta(seconds=5),
    # Without one byte; a large object may take as long as it keeps coming.
    "read_timeout": timedelta(seconds=30),
    "timeout": timedelta(hours=1),
}
RETRY: Final[Any] = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
}
DEFAULT_REGION: Final = "us-east-1"

# Where a pod gets credentials without a Secret (EKS: IRSA and Pod Identity).
AWS_OWN_CREDENTIALS: Final = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": "web_identity_token_file",
    "AWS_ROLE_ARN": "role_arn",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "container_credentials_full_uri",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "container_credentials_relative_uri",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "container_authorization_token_file",
}

# obstore's own option for unsigned requests still asks the metadata address before it writes; this key asks nobody.
GOOGLE_NO_KEY: Final = json.dumps({"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""})


class Scheme(NamedTuple):
    """One kind of bucket."""

    options: Callable[[Mapping[str, str], str], dict[str, Any]]
    """From the environment, and the prefix of its variables' names; raises ValueError with a sentence."""
    store: Callable[..., Any]
    endpoint: str
    """The variable with the address of its server."""


def s3_options(environment: Mapping[str, str], prefix: str = "") -> dict[str, Any]:
    """Return options from AWS_ACCESS_KEY_ID and its siblings, or from the pod's own identity."""
    value = _reader(environment, prefix)
    options: dict[str, Any] = {"region": value("AWS_REGION") or value("AWS_DEFAULT_REGION") or DEFAULT_REGION}
    if endpoint := value("AWS_ENDPOINT_URL"):
        options["endpoint"] = endpoint.rstrip("/")
    if key := value("AWS_ACCESS_KEY_ID"):
        options |= {"access_key_id": key, "secret_access_key": value("AWS_SECRET_ACCESS_KEY") or ""}
        if token := value("AWS_SESSION_TOKEN"):
            options["session_token"] = token
        return options
    own: dict[str, Any] = {
        option: environment[name] for name, option in AWS_OWN_CREDENTIALS.items() if environment.get(name)
    }
    return options | (own or {"skip_signature": True})


def gs_options(environment: Mapping[str, str], prefix: str = "") -> dict[str, Any]:
    """Return options from GOOGLE_SERVICE_ACCOUNT_KEY, the JSON of a service account's key."""
    value = _reader(environment, prefix)
    options: dict[str, Any] = {"service_account_key": GOOGLE_NO_KEY}
    if endpoint := value("GOOGLE_BASE_URL"):
        options["base_url"] = endpoint.rstrip("/")
    if key := value("GOOGLE_SERVICE_ACCOUNT_KEY"):
        try:
            fields = json.loads(key)
        except ValueError:
            fields = None
        if not isinstance(fields, dict) or not all(
            isinstance(fields.get(name), str) for name in ("client_email", "private_key", "private_key_id")
        ):
            raise ValueError(
                "GOOGLE_SERVICE_ACCOUNT_KEY is no key of a service account: it takes the whole JSON file that Google "
                "Cloud gives for one"
            )
        options["service_account_key"] = key
    return options


def az_options(environment: Mapping[str, str], prefix: str = "") -> dict[str, Any]:
    """Return options from AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN."""
    value = _reader(environment, prefix)
    account = value("AZURE_STORAGE_ACCOUNT_NAME")
    if not account:
        raise ValueError("AZURE_STORAGE_ACCOUNT_NAME is not set: a container's name does not tell whose it is")
    options: dict[str, Any] = {"account_name": account}
    if endpoint := value("AZURE_STORAGE_ENDPOINT"):
        options["endpoint"] = endpoint.rstrip("/")
    if key := value("AZURE_STORAGE_ACCOUNT_KEY"):
        return options | {"account_key": key}
    if token := value("AZURE_STORAGE_SAS_TOKEN"):
        return options | {"sas_key": token}
    return options | {"skip_signature": True}


SCHEMES: Final[Mapping[str, Scheme]] = {
    "s3": Scheme(s3_options, store.S3Store, "AWS_ENDPOINT_URL"),
    "gs": Scheme(gs_options, store.GCSStore, "GOOGLE_BASE_URL"),
    "az": Scheme(az_options, store.AzureStore, "AZURE_STORAGE_ENDPOINT"),
}
"""By the scheme of a URI."""


def bucket(scheme: str, name: str, folder: str, environment: Mapping[str, str], prefix: str = "") -> Any:
    """Return obstore's store of a folder in a bucket (Azure: in a container).

    Raises:
        ValueError: With a sentence, for variables that cannot be right; or obstore's BaseError.
    """
    kind = SCHEMES[scheme]
    options = kind.options(environment, prefix)
    return kind.store(
        name,
        prefix=folder or None,
        config=cast(Any, options),
        client_options=CLIENT,
        retry_config=RETRY,
    )


def _reader(environment: Mapping[str, str], prefix: str) -> Callable[[str], str | None]:
    """Return what reads a variable with the prefix; an empty one is none."""
    return lambda name: environment.get(prefix + name) or None
