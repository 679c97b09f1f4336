"""Object storage for trainer and predictor, by obstore: one place for credentials, and one that explains errors."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import HTTPStore, LocalStore, MemoryStore, S3Store

from transfermodel_predictor.artifact.errors import (
    StorageAccessDenied,
    StorageError,
    StorageNotFound,
    StorageUnavailable,
)

CREDENTIAL_OPTIONS: Final = {
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "AWS_SESSION_TOKEN": "session_token",
    "AWS_ENDPOINT_URL": "endpoint",
    "AWS_REGION": "region",
}
DEFAULT_REGION: Final = "us-east-1"

# A wrong endpoint should be an answer within seconds, not the minutes of the library's defaults.
RETRY: Final[Any] = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=3), "base": 2},
}
CLIENT: Final[Any] = {"allow_http": True, "connect_timeout": "5s", "timeout": "10m"}

AnyStore = S3Store | HTTPStore | LocalStore | MemoryStore


@dataclass(frozen=True)
class ObjectMeta:
    """One stored object."""

    path: str
    """Key, relative to the Location's prefix."""
    size: int
    """In bytes."""
    etag: str
    """Changes when the content changes."""


def credentials(environment: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    """Return obstore's S3 options from variables such as <prefix>AWS_ACCESS_KEY_ID; empty ones are left out."""
    options = {
        option: environment[prefix + key] for key, option in CREDENTIAL_OPTIONS.items() if environment.get(prefix + key)
    }
    return {"region": DEFAULT_REGION} | options


@dataclass(frozen=True)
class Location:
    """A folder in storage: s3://bucket/prefix, https://host/path or file:///folder."""

    uri: str
    """Without a trailing slash."""
    store: AnyStore
    prefix: str

    def key(self, name: str) -> str:
        """Return the full key of a name below this folder."""
        return f"{self.prefix}/{name}".strip("/")

    def get(self, name: str) -> bytes:
        """Return an object's content. Raises a StorageError."""
        with explained(f"{self.uri}/{name}".rstrip("/")):
            return bytes(obstore.get(self.store, self.key(name)).bytes())

    def exists(self, name: str) -> bool:
        """Tell whether there is such an object. Raises a StorageError, but not for its absence."""
        try:
            with explained(f"{self.uri}/{name}"):
                obstore.head(self.store, self.key(name))
        except StorageNotFound:
            return False
        return True

    def head(self, name: str) -> ObjectMeta:
        """Return size and ETag of one object. Raises a StorageError."""
        with explained(f"{self.uri}/{name}".rstrip("/")):
            return self._meta(obstore.head(self.store, self.key(name)))

    def put(self, name: str, content: bytes | Path) -> None:
        """Store an object. Raises a StorageError."""
        with explained(f"{self.uri}/{name}"):
            obstore.put(self.store, self.key(name), content)

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Store an object unless there is one; tell whether it was stored. Raises a StorageError."""
        try:
            with explained(f"{self.uri}/{name}"):
                obstore.put(self.store, self.key(name), content, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def list(self) -> Iterator[ObjectMeta]:
        """Yield every object below this folder, in the store's order. Raises a StorageError."""
        with explained(self.uri):
            for batch in obstore.list(self.store, f"{self.prefix}/" if self.prefix else None):
                for entry in batch:
                    yield self._meta(entry)

    def _meta(self, entry: Any) -> ObjectMeta:
        path = entry["path"].removeprefix(self.prefix).strip("/")
        return ObjectMeta(path=path, size=int(entry["size"]), etag=str(entry.get("e_tag") or ""))


def open_location(uri: str, environment: Mapping[str, str], prefix: str = "") -> Location:
    """Open a folder in storage; nothing is read yet.

    Args:
        uri: s3://bucket/prefix, https://host/path or file:///folder.
        environment: where the credentials are, such as os.environ.
        prefix: of the credentials' variables.

    Raises:
        StorageNotFound: the URI names no place.
    """
    uri = uri.rstrip("/")
    parts = urlsplit(uri)
    if parts.scheme == "s3" and parts.netloc:
        options = credentials(environment, prefix)
        if "access_key_id" not in options and "endpoint" in options:
            # A custom endpoint without keys is a public bucket; asking cloud metadata for an identity would hang.
            options["skip_signature"] = "true"
        store = S3Store(parts.netloc, config=options, client_options=CLIENT, retry_config=RETRY)  # type: ignore[arg-type]
        return Location(uri, store, parts.path.strip("/"))
    if parts.scheme == "https" and parts.netloc:
        root = HTTPStore.from_url(f"https://{parts.netloc}", client_options=CLIENT, retry_config=RETRY)
        return Location(uri, root, parts.path.strip("/"))
    if parts.scheme == "file" and parts.path:
        return Location(uri, LocalStore("/"), parts.path.strip("/"))
    raise StorageNotFound(f"{uri or 'An empty URI'} names no place in storage; use s3://bucket/prefix.")


@contextlib.contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn obstore's errors into ours, with the URI and the remedy; the one place that knows obstore's."""
    try:
        yield
    except (AlreadyExistsError, PreconditionError) as error:
        raise AlreadyExistsError(str(error)) from error
    except (BaseError, OSError) as error:
        raise _ours(error, uri) from error


def _ours(error: Exception, uri: str) -> StorageError:
    message = str(error)
    # The words first: some servers answer a wrong key with 404, which obstore takes for a missing object.
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError, PermissionError)) or any(
        word in message for word in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403 Forbidden")
    ):
        return StorageAccessDenied(
            f"Storage denied access to {uri}: check the keys in the secret and what they are allowed to do."
        )
    if isinstance(error, (NotFoundError, FileNotFoundError)) or "NoSuchBucket" in message or "NoSuchKey" in message:
        return StorageNotFound(f"There is nothing at {uri}: check the bucket's name and the path.")
    first_line = message.strip().splitlines()[0][:300] if message.strip() else type(error).__name__
    return StorageUnavailable(
        f"Storage did not answer for {uri} ({first_line}): "
        "check AWS_ENDPOINT_URL in the secret, and that storage is up."
    )
