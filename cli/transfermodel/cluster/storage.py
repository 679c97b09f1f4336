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
ABSENT_KEY: Final = "transfermodel-doctor/nothing-is-here"
NO_BUCKET: Final = "NoSuchBucket"
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
    return judge(status, body, uri, credentials, f"{chosen}, through the cluster")


def try_access(api: Api, uri: str, credentials: Credentials) -> None:
    """Ask for an object that is not there: whether the storage answers, and accepts the keys.

    Amazon says 403 of an absent object to who may not list the bucket; that is no fault of the keys.

    Raises:
        Unreachable: The storage does not answer.
        NotFound: There is no such bucket.
        TransferModelError: The keys are wrong.
    """
    try:
        read_object(api, f"{uri}/{ABSENT_KEY}", credentials)
    except ObjectMissing as error:
        if error.code == NO_BUCKET:
            raise NotFound(f"There is no bucket {uri}.", "Create it, or correct the URI in the spec.") from None
    except Refused as error:
        if error.code in WRONG_CREDENTIALS:
            raise


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
    except FileNotFoundError as error:
        raise ObjectMissing(uri, code_of(str(error))) from None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise Refused(uri, code_of(str(error)), credentials.source) from None
    except (BaseError, OSError) as error:
        where = endpoint or "Amazon S3"
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


def judge(status: int, body: bytes, uri: str, credentials: Credentials, where: str) -> bytes:
    """Return the body of a good answer; S3 servers name what is wrong by a code, the API server does not."""
    if status == 200:
        return body
    code = code_of(body.decode("utf-8", "replace"))
    if status == 404 and code:
        raise ObjectMissing(uri, code)
    if status == 403 and code:
        raise Refused(uri, code, credentials.source)
    if status == 403:
        raise Forbidden(
            "You may not reach the storage through the cluster (services/proxy).",
            "Give its address as it is reached from here: --endpoint-url URL",
        )
    raise Unreachable(
        f"The storage at {where} does not answer (HTTP {status}).",
        "Give its address as it is reached from here: --endpoint-url URL",
    )


def code_of(text: str) -> str:
    """Return the code of an S3 server's answer, such as NoSuchKey; empty when there is none."""
    found = re.search(r"<Code>(\w+)</Code>", text)
    return found[1] if found else ""


class ObjectMissing(NotFound):
    """The storage has no such object, or no such bucket."""

    def __init__(self, uri: str, code: str) -> None:
        """Take the object, and the storage's own word."""
        super().__init__(f"There is no {uri}.", "Was the artifact deleted? A changed spec trains a new one.")
        self.code = code


class Refused(TransferModelError):
    """The storage does not hand the object out."""

    def __init__(self, uri: str, code: str, source: str) -> None:
        """Take the object, the storage's own word, and whose keys they were."""
        super().__init__(
            f"The storage refuses the keys of {source} for {uri} ({code or 'no reason is given'}).",
            "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY there.",
        )
        self.code = code


def _seconds(seconds: int) -> Any:
    from datetime import timedelta

    return timedelta(seconds=seconds)
