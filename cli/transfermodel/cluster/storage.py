"""Read from a model's storage with the credentials that its pods use; where only the cluster reaches it, through it."""

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from transfermodel_operator.api.run import CREDENTIAL_KEYS, REQUIRED_CREDENTIAL_KEYS

from transfermodel.cluster import kinds
from transfermodel.cluster.api import Api
from transfermodel.cluster.errors import Forbidden
from transfermodel.cluster.ingress import bracketed, resolves
from transfermodel.cluster.reading import Reader
from transfermodel.cluster.words import add_key, create_secret
from transfermodel.errors import NotFound, TransferModelError, Unreachable

ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL"
SERVICE_HOST: Final = re.compile(r"(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)(\.svc(\.[a-z0-9.-]+)?)?")
SIGNED_SECONDS: Final = 60
TIMEOUT: Final = "20s"
REGION: Final = "us-east-1"
"""What S3 servers other than Amazon's take for granted."""
WRONG_CREDENTIALS: Final = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken")


@dataclass(frozen=True)
class Credentials:
    """What storage asks for, by the names of the Secret's keys."""

    values: Mapping[str, str]
    source: str
    """Where they are from, for people."""

    @property
    def endpoint(self) -> str | None:
        """URL of the S3 server; None: Amazon's."""
        return self.values.get(ENDPOINT_VARIABLE) or None


def read_credentials(api: Api, namespace: str, secret: str | None) -> Credentials:
    """Return the credentials of a Secret; of the environment, where none is named or this user may not read it.

    Raises:
        TransferModelError: There are none, or they are incomplete.
    """
    environment = {key: os.environ[key] for key in CREDENTIAL_KEYS if os.environ.get(key)}
    complete = all(key in environment for key in REQUIRED_CREDENTIAL_KEYS)
    if secret is None:
        if complete:
            return Credentials(environment, "the environment")
        raise TransferModelError(
            "The model's storage is reached by its pods' own identity, which is not yours.",
            f"Set {' and '.join(REQUIRED_CREDENTIAL_KEYS)} in the environment.",
        )
    try:
        manifest = api.get(kinds.SECRETS, namespace, secret)
    except Forbidden as error:
        if complete:
            return Credentials(environment, "the environment")
        raise Forbidden(
            f"You may not read Secret {secret!r} in namespace {namespace!r}, which has the storage credentials.",
            f"Ask for that right, or set {' and '.join(REQUIRED_CREDENTIAL_KEYS)} in the environment.",
        ) from error
    if manifest is None:
        remedy = create_secret(secret, namespace)
        raise NotFound(f"There is no Secret {secret!r} in namespace {namespace!r}.", remedy)
    values = {key: decoded(value) for key, value in (manifest.get("data") or {}).items() if key in CREDENTIAL_KEYS}
    missing = tuple(key for key in REQUIRED_CREDENTIAL_KEYS if not values.get(key))
    if missing:
        raise TransferModelError(
            f"Secret {secret!r} in namespace {namespace!r} lacks {' and '.join(missing)}.",
            add_key(secret, namespace, missing),
        )
    return Credentials(values, f"Secret {secret}")


def decoded(value: str) -> str:
    """Return a value of a Secret's data."""
    return base64.b64decode(value).decode("utf-8", "replace").strip()


def read_object(api: Api, uri: str, credentials: Credentials, endpoint: str | None = None) -> bytes:
    """Return the content of an s3:// URI.

    Args:
        api: The way to the cluster, for an endpoint that only the cluster reaches.
        uri: s3://bucket/key.
        credentials: For that storage.
        endpoint: URL of the S3 server as it is reached from here; default: $AWS_ENDPOINT_URL, else the credentials'.

    Raises:
        NotFound: There is no such object.
        Unreachable: The storage does not answer.
        TransferModelError: It refuses.
    """
    chosen = endpoint or os.environ.get(ENDPOINT_VARIABLE) or credentials.endpoint
    inside = None if endpoint or os.environ.get(ENDPOINT_VARIABLE) else service_of(chosen)
    if inside is None:
        return read_directly(uri, credentials, chosen)
    outside = outside_address(api, inside)
    if outside is not None:
        return read_directly(uri, credentials, outside)
    status, body = read_through(api, inside, uri, credentials)
    return judge(status, body, uri, f"{chosen}, through the cluster")


@dataclass(frozen=True)
class InsideService:
    """A Service of the cluster that takes S3 requests."""

    scheme: str
    namespace: str
    name: str
    port: int

    @property
    def proxy(self) -> str:
        """Path at the API server that leads to it."""
        scheme = "https:" if self.scheme == "https" else ""
        return f"/api/v1/namespaces/{self.namespace}/services/{scheme}{self.name}:{self.port}/proxy"


def service_of(endpoint: str | None) -> InsideService | None:
    """Return the Service of an endpoint whose name means something inside of the cluster only."""
    parts = urlsplit(endpoint or "")
    match = SERVICE_HOST.fullmatch(parts.hostname or "")
    if match is None or re.fullmatch(r"[0-9.]+", parts.hostname or "") or resolves(parts.hostname or ""):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return InsideService(parts.scheme, match["namespace"], match["service"], port)


def outside_address(api: Api, service: InsideService) -> str | None:
    """Return the address of a Service that leads out of the cluster: what is behind it is no pod, but a machine.

    The API server's proxy leads to pods only; such a machine can be asked without it.
    """
    reader = Reader(api)
    manifest = reader.get(kinds.SERVICES, service.namespace, service.name)
    spec: dict[str, Any] = (manifest or {}).get("spec") or {}
    if spec.get("type") == "ExternalName":
        return f"{service.scheme}://{spec['externalName']}:{service.port}"
    named = next((port.get("name", "") for port in spec.get("ports") or [] if port["port"] == service.port), None)
    labels = f"kubernetes.io/service-name={service.name}"
    for slice_ in reader.list(kinds.ENDPOINT_SLICES, service.namespace, labels=labels) if named is not None else []:
        ports = [port["port"] for port in slice_.get("ports") or [] if (port.get("name") or "") == named]
        for endpoint in slice_.get("endpoints") or []:
            if "targetRef" not in endpoint and ports:
                return f"{service.scheme}://{bracketed(endpoint['addresses'][0])}:{ports[0]}"
    return None


def read_through(api: Api, service: InsideService, uri: str, credentials: Credentials) -> tuple[int, bytes]:
    """Return status and body of an object, asked for through the API server's proxy.

    The proxy takes the Authorization header for itself, so the signature travels in the URL; it is made for the host
    that the proxy hands on: the API server's own.
    """
    import obstore

    server = urlsplit(api.server)
    store, key = open_store(uri, credentials, f"{server.scheme}://{server.netloc}")
    signed = urlsplit(obstore.sign(store, "GET", key, _seconds(SIGNED_SECONDS)))
    path = f"{service.proxy}{signed.path}?{signed.query}"
    return api.fetch(path, headers={"Host": server.netloc})


def read_directly(uri: str, credentials: Credentials, endpoint: str | None) -> bytes:
    """Return an object, asked for at the S3 server itself."""
    import obstore
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    store, key = open_store(uri, credentials, endpoint)
    try:
        return bytes(obstore.get(store, key).bytes())
    except FileNotFoundError:
        raise absent(uri) from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise refused(uri, f"with {credentials.source}") from None
    except (BaseError, OSError) as error:
        where = endpoint or "Amazon S3"
        said = " ".join(str(error).split())
        if "403" in said:
            raise refused(uri, f"with {credentials.source}") from None
        raise Unreachable(
            f"The storage at {where} does not answer.",
            "Give its address as it is reached from here: --endpoint-url URL",
        ) from error


def open_store(uri: str, credentials: Credentials, endpoint: str | None) -> tuple[Any, str]:
    """Return the bucket of an s3:// URI, and the key in it."""
    from obstore.store import S3Store

    parts = urlsplit(uri)
    values = credentials.values
    optional = {
        "endpoint": endpoint,
        "session_token": values.get("AWS_SESSION_TOKEN"),
    }
    store = S3Store(
        parts.netloc,
        access_key_id=values["AWS_ACCESS_KEY_ID"],
        secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        region=values.get("AWS_REGION") or REGION,
        client_options={"allow_http": True, "timeout": TIMEOUT, "connect_timeout": "3s"},
        retry_config={"max_retries": 1},
        **{key: value for key, value in optional.items() if value},  # type: ignore[arg-type]
    )
    return store, parts.path.lstrip("/")


def judge(status: int, body: bytes, uri: str, where: str) -> bytes:
    """Return the body of a good answer."""
    if status == 200:
        return body
    text = body.decode("utf-8", "replace")
    if status == 404 and "<Code>" in text:
        raise absent(uri)
    if status == 403 and "<Code>" in text:
        raise refused(uri, where)
    if status == 403:
        raise Forbidden(
            "You may not reach the storage through the cluster (services/proxy).",
            "Give its address as it is reached from here: --endpoint-url URL",
        )
    raise Unreachable(
        f"The storage at {where} does not answer (HTTP {status}).",
        "Give its address as it is reached from here: --endpoint-url URL",
    )


def absent(uri: str) -> NotFound:
    """Return the error for an object that is not there."""
    return NotFound(f"There is no {uri}.", "Was the artifact deleted? It is made again when the spec changes.")


def refused(uri: str, how: str) -> TransferModelError:
    """Return the error for an object that the storage does not hand out."""
    return TransferModelError(f"The storage refuses to read {uri} ({how}).", "Correct the keys in the Secret.")


def _seconds(seconds: int) -> Any:
    from datetime import timedelta

    return timedelta(seconds=seconds)
