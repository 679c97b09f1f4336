"""Object storage for trainer and predictor: buckets of three clouds, and folders. Here obstore's errors become ours."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions, store

from transfermodel_predictor.artifact.errors import (
    StorageAccessDenied,
    StorageError,
    StorageNotFound,
    StorageUnavailable,
    StorageUriInvalid,
)
from transfermodel_predictor.artifact.stores import SCHEMES, bucket

DENIED_CODES: Final = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AccessDenied",
    "ExpiredToken",
    "InvalidToken",
    "XAdminUserNotFound",  # versitygw's answer, with status 404, to an unknown access key
    # Google Cloud
    "AuthenticationRequired",
    "invalid_grant",
    # Azure
    "AuthenticationFailed",
    "AuthorizationFailure",
    "AuthorizationPermissionMismatch",
    "InvalidAuthenticationInfo",
    "KeyBasedAuthenticationNotPermitted",
    "NoAuthenticationInformation",
    "PublicAccessNotPermitted",
)
MISSING_BUCKET_CODES: Final = ("NoSuchBucket", "ContainerNotFound")
BAD_NAMES: Final = ("contained non-unicode characters", "File system loop found")
"""What obstore says of folders with a name that is not UTF-8, or with a link to a folder around it."""


@dataclass(frozen=True)
class ObjectInfo:
    """One object below a storage's URI."""

    path: str
    """Relative to the storage's URI."""
    size: int
    """In bytes."""
    etag: str | None
    modified: datetime
    """When it was written last."""


class Storage:
    """The objects below one URI; every failure is one of ours, with the URI and the remedy."""

    def __init__(self, uri: str, backend: Any, root: str = "") -> None:
        """Wrap one of obstore's stores; root: the folder in it that the URI stands for, "" or with a final slash."""
        self.uri = uri
        self._store = backend
        self._root = root

    def address(self, path: str = "") -> str:
        """Return the URI of an object, for messages."""
        return f"{self.uri}/{path}" if path else self.uri

    def get(self, path: str) -> bytes:
        """Return an object whole.

        Raises:
            StorageNotFound, StorageAccessDenied, StorageUnavailable: As their names say.
        """
        return bytes(self.view(path))

    def view(self, path: str) -> memoryview:
        """Return an object whole, where obstore has put it: a large one is not copied. As `get` otherwise."""
        with self._translated("read", path):
            return memoryview(obstore.get(self._store, self._root + path).bytes())

    def get_start(self, path: str, length: int) -> bytes:
        """Return the first bytes of an object: all of one that is shorter.

        Raises:
            StorageNotFound, StorageAccessDenied, StorageUnavailable: As their names say.
        """
        with self._translated("read", path):
            return bytes(obstore.get_range(self._store, self._root + path, start=0, length=length))

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield an object piece by piece: it may be larger than memory.

        Raises:
            StorageNotFound, StorageAccessDenied, StorageUnavailable: As their names say.
        """
        with self._translated("read", path):
            stream = iter(obstore.get(self._store, self._root + path).stream(min_chunk_size=1 << 20))
        while True:
            with self._translated("read", path):
                piece = next(stream, None)
            if piece is None:
                return
            yield bytes(piece)

    def download(self, path: str, target: Path) -> None:
        """Write an object to a file, piece by piece: it may be larger than memory.

        Raises:
            StorageNotFound, StorageAccessDenied, StorageUnavailable: As their names say.
        """
        with self._translated("read", path), target.open("wb") as file:
            for piece in self.pieces(path):
                file.write(piece)

    def info(self, path: str) -> ObjectInfo:
        """Return size and ETag of one object.

        Raises:
            StorageNotFound, StorageAccessDenied, StorageUnavailable: As their names say.
        """
        with self._translated("read", path):
            head = obstore.head(self._store, self._root + path)
        return ObjectInfo(path, head["size"], head["e_tag"], head["last_modified"])

    def put(self, path: str, data: bytes | Path) -> None:
        """Write an object, from memory or from a file, over what is there.

        Raises:
            StorageNotFound, StorageAccessDenied, StorageUnavailable: As their names say.
        """
        with self._translated("write", path):
            obstore.put(self._store, self._root + path, data)

    def put_if_absent(self, path: str, data: bytes) -> bool:
        """Write an object unless there is one, in one step, and tell whether it was written.

        Raises:
            StorageNotFound, StorageAccessDenied, StorageUnavailable: As their names say.
        """
        with self._translated("write", path):
            try:
                # Multipart uploads know no condition.
                obstore.put(self._store, self._root + path, data, mode="create", use_multipart=False)
            except (exceptions.AlreadyExistsError, FileExistsError):
                return False
        return True

    def list(self, path: str = "") -> Iterator[ObjectInfo]:
        """Yield every object below a folder, all folders' depths, in no order.

        Raises:
            StorageNotFound, StorageAccessDenied, StorageUnavailable: As their names say; an empty or missing folder
                yields nothing.
        """
        stream = obstore.list(self._store, prefix=self._root + path or None, chunk_size=1000)
        while True:
            with self._translated("list", path):
                chunk = next(stream, None)
            if chunk is None:
                return
            for entry in chunk:
                found = entry["path"].removeprefix(self._root)
                yield ObjectInfo(found, entry["size"], entry["e_tag"], entry["last_modified"])

    def delete(self, path: str) -> None:
        """Remove an object; one that is not there is removed already.

        Raises:
            StorageAccessDenied, StorageUnavailable: As their names say.
        """
        try:
            with self._translated("remove", path):
                obstore.delete(self._store, self._root + path)
        except StorageNotFound:
            return

    @contextmanager
    def _translated(self, action: str, path: str) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except (exceptions.BaseError, OSError, TimeoutError, ValueError) as error:
            raise translate(error, action, self.address(path)) from error


def open_store(uri: str, environment: Mapping[str, str], prefix: str = "") -> Storage:
    """Open s3://bucket/folder, gs://bucket/folder, az://container/folder or file:///folder; nothing is asked of it yet.

    Args:
        uri: the folder.
        environment: holds the keys.
        prefix: leads the names of the variables that hold them.

    Raises:
        StorageUriInvalid: It is none of them.
        StorageAccessDenied: The keys are such that they cannot be right.
    """
    uri = uri.rstrip("/")
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise StorageUriInvalid(f"{uri!r} is no URI: {error}.") from error
    if parts.scheme != "file" and parts.scheme not in SCHEMES:
        raise StorageUriInvalid(
            f"{uri!r} cannot be read: use s3://bucket/folder, gs://bucket/folder, az://container/folder or "
            "file:///folder."
        )
    if parts.query or parts.fragment:
        raise StorageUriInvalid(f"{uri!r} cannot be read: leave out what follows '?' or '#'.")
    if parts.scheme == "file":
        if parts.netloc or not parts.path.startswith("/"):
            raise StorageUriInvalid(f"{uri!r} cannot be read: write file:/// and an absolute path.")
        # Rooted at /, so that a folder need not exist before something is written, just as in a bucket.
        root = unquote(parts.path).strip("/")
        return Storage(uri, store.LocalStore(), f"{root}/" if root else "")
    if not parts.netloc:
        raise StorageUriInvalid(f"{uri!r} names no bucket: use {parts.scheme}://bucket/folder.")
    if "@" in parts.netloc or ":" in parts.netloc:
        raise StorageUriInvalid(f"{uri!r} names no bucket: leave out accounts and ports, variables name them.")
    try:
        backend = bucket(parts.scheme, parts.netloc, parts.path.strip("/"), environment, prefix)
    except (exceptions.BaseError, ValueError) as error:
        raise StorageAccessDenied(
            f"{uri} cannot be opened: {first_line(error)}. Correct the keys in the Secret."
        ) from error
    return Storage(uri, backend)


def translate(error: Exception, action: str, address: str) -> StorageError:
    """Return our error for one of obstore's: the one place that tells them apart."""
    said, text = first_line(error), str(error)
    denied = PermissionError | exceptions.PermissionDeniedError | exceptions.UnauthenticatedError
    # Not every call of obstore's maps every answer to a class of its own: listings come as GenericError.
    if isinstance(error, denied) or any(code in text for code in DENIED_CODES):
        return StorageAccessDenied(
            f"Access to {action} {address} is denied. Check the keys in the Secret, and what they allow. ({said})"
        )
    if any(code in text for code in MISSING_BUCKET_CODES):
        root = "/".join(address.split("/")[:3])
        return StorageNotFound(f"The bucket {root} does not exist. Create it, or correct the URI {address}.")
    if isinstance(error, FileNotFoundError | exceptions.NotFoundError):
        return StorageNotFound(f"{address} does not exist. Correct the URI, or put the object there.")
    if any(words in text for words in BAD_NAMES):
        return StorageUriInvalid(f"{address} holds what cannot be listed: {said}. Rename it, or remove it.")
    kind = SCHEMES.get(address.split(":")[0])
    check = f"Check {kind.endpoint}, and that it can be reached from the cluster" if kind else "Check that it is there"
    return StorageUnavailable(f"Storage failed to {action} {address}. {check}. ({said})")


def first_line(error: Exception) -> str:
    """Return what the server says in its answer, or the first line of what obstore says: the rest is for debugging."""
    text = re.sub(r"^Generic \w+ error: ", "", str(error).strip())
    code, message = (re.search(rf"<{tag}>([^<]*)</{tag}>", text) for tag in ("Code", "Message"))
    if code:
        return f"{code[1]}: {message[1].splitlines()[0]}"[:300] if message and message[1] else code[1]
    return text.splitlines()[0].rstrip(".")[:300] if text else type(error).__name__
