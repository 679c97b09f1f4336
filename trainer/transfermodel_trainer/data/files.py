"""Folders and single files by URI: in buckets, over https, in claims of a cluster and on one machine."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from obstore import exceptions, store
from transfermodel_predictor.artifact.errors import StorageUriInvalid
from transfermodel_predictor.artifact.storage import Storage, open_store

from transfermodel_trainer.data.claims import is_claim, open_claim

HTTPS_CLIENT: Final[Any] = {
    "allow_http": False,
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=30),
    "timeout": timedelta(hours=1),
}
HTTPS_RETRY: Final[Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


def open_folder(uri: str, environment: Mapping[str, str], prefix: str) -> Storage:
    """Return a folder of data; nothing is asked for yet.

    Raises:
        StorageUriInvalid: for anything but s3://bucket/folder, gs://…, az://…, pvc://claim/folder and file:///folder.
        StorageAccessDenied: for keys that cannot be right.
        StorageNotFound: for a claim that is not mounted.
    """
    return open_claim(uri) if is_claim(uri) else open_store(uri, environment, prefix)


def open_file(uri: str, environment: Mapping[str, str], prefix: str) -> tuple[Storage, str]:
    """Return the folder of a file and the file's name in it; nothing is asked for yet.

    Raises:
        StorageUriInvalid, StorageAccessDenied, StorageNotFound: as open_folder; https://host/file is fine, too.
    """
    folder, _, name = uri.rpartition("/")
    parts = urlsplit(uri)
    if folder.endswith(":/"):
        raise StorageUriInvalid(f"{uri!r} names no file: use {folder}/bucket/file.")
    if parts.scheme != "https":
        return open_folder(folder, environment, prefix), name
    if not parts.netloc or not name:
        raise StorageUriInvalid(f"{uri!r} names no file: use https://host/path/file.")
    if "@" in parts.netloc:
        raise StorageUriInvalid(f"{uri!r} carries credentials: leave out what precedes '@'.")
    try:
        backend = store.HTTPStore.from_url(
            f"https://{parts.netloc}", client_options=HTTPS_CLIENT, retry_config=HTTPS_RETRY
        )
    except (exceptions.BaseError, ValueError) as error:
        raise StorageUriInvalid(f"{uri!r} cannot be opened: {error}.") from error
    root = unquote(urlsplit(folder).path).strip("/")
    return Storage(folder, backend, f"{root}/" if root else ""), unquote(name)
