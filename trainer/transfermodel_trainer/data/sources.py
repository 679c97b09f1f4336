"""What a data source holds: listed first, so that a run's inputs have a digest before anything is read."""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from transfermodel_operator.api import Reason
from transfermodel_operator.api.run import DATA_CREDENTIALS_PREFIX
from transfermodel_operator.api.spec import Format, Task
from transfermodel_predictor.artifact.errors import (
    StorageAccessDenied,
    StorageNotFound,
    StorageUnavailable,
    StorageUriInvalid,
)
from transfermodel_predictor.artifact.storage import ObjectInfo, Storage

from transfermodel_trainer.data.archives import is_archive
from transfermodel_trainer.data.classes import MOST_SAMPLES, Classes, find_classes
from transfermodel_trainer.data.files import open_file, open_folder
from transfermodel_trainer.data.index import MOST_BYTES, Index, is_index, read_index, texts
from transfermodel_trainer.data.nouns import nouns
from transfermodel_trainer.errors import RunError, StorageFailure, listed

CONCURRENT_LOOKS = 32

Role = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Source:
    """One data source as it was when the run began."""

    role: Role
    uri: str
    storage: Storage
    """The folder; of an archive or an index file the folder that it lies in."""
    objects: tuple[ObjectInfo, ...]
    """Of a folder: all objects, by path. Of an archive: itself. Of an index file: itself, and all that it names."""
    task: Task
    columns: Format
    archive: bool = False
    index: Index | None = None
    """What an index file says."""

    def digest(self) -> str:
        """Return the SHA-256 (hex) over path, size and ETag of every object."""
        lines = sorted(f"{entry.path}\0{entry.size}\0{entry.etag}\n" for entry in self.objects)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def unchanged(self) -> bool:
        """Tell whether it still holds what it held when the run began. Raises a StorageError."""
        if self.archive:
            return self.storage.info(self.objects[0].path) == self.objects[0]
        if self.index is not None:
            return tuple(_infos(self.storage, [entry.path for entry in self.objects])) == self.objects
        return _listing(self.storage, self.role) == self.objects

    def names(self) -> list[str]:
        """Return the names of a folder's files; those that stand for folders end in "/"."""
        return [f"{entry.path}/" if _stands_for_folder(entry) else entry.path for entry in self.objects]

    def classes(self) -> Classes:
        """Return the classes of a folder or an index file. Raises a RunError when they cannot be learned."""
        if self.index is not None:
            return self.index.classes
        return find_classes(self.names(), self.uri, role=self.role, task=self.task)

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and text (UTF-8) of the rows of an index file that holds texts."""
        pieces = self.storage.pieces(self.objects[0].path)
        return texts(pieces, self.uri, self.columns, role=self.role, task=self.task)


def _stands_for_folder(entry: ObjectInfo) -> bool:
    """Tell whether an object only marks a folder.

    Consoles store `class/` as an empty object; obstore lists it without the slash.
    """
    return entry.size == 0 and not re.search(r"\.[A-Za-z][A-Za-z0-9]{1,4}$", entry.path)


@contextlib.contextmanager
def data_errors(field: str) -> Iterator[None]:
    """Turn storage's errors about what the user wants read into the run's, naming the field of the spec."""
    try:
        yield
    except (StorageNotFound, StorageUriInvalid) as error:
        raise RunError(Reason.DATA_NOT_FOUND, f"{field}: {error}") from error
    except StorageAccessDenied as error:
        raise RunError(
            Reason.DATA_ACCESS_DENIED, f"{field}: {error} The secret is the one of spec.data.credentialsSecretName."
        ) from error
    except StorageUnavailable as error:
        raise StorageFailure(Reason.STORAGE_UNAVAILABLE, f"{field}: {error}") from error


def look_up(
    role: Role,
    uri: str,
    environment: Mapping[str, str],
    columns: Format | None = None,
    task: Task = "ImageClassification",
) -> Source:
    """Return what the source holds; nothing is downloaded but an index file, with these columns.

    Raises:
        RunError: DataNotFound, DataAccessDenied, DataInvalid or StorageUnavailable; what an index file can be wrong in.
    """
    columns = columns or Format()
    if is_index(uri):
        return _look_up_index(role, uri, environment, columns, task)
    archive = is_archive(uri)
    with data_errors(f"spec.data.{role}.uri"):
        if archive:
            storage, name = open_file(uri, environment, DATA_CREDENTIALS_PREFIX)
            objects: tuple[ObjectInfo, ...] = (storage.info(name),)
        else:
            storage = open_folder(uri, environment, DATA_CREDENTIALS_PREFIX)
            objects = _listing(storage, role)
    if not objects:
        raise RunError(
            Reason.DATA_NOT_FOUND,
            f"spec.data.{role}.uri: there is nothing under {uri}: check the bucket and the prefix, and that the "
            "data was uploaded.",
        )
    return Source(role, uri, storage, objects, task, columns, archive)


def _listing(storage: Storage, role: Role) -> tuple[ObjectInfo, ...]:
    """Return all objects of a folder, by path."""
    found: list[ObjectInfo] = []
    for entry in storage.list():
        if entry.path:
            found.append(entry)
        if len(found) > MOST_SAMPLES:
            raise RunError(
                Reason.DATA_INVALID,
                f"spec.data.{role}.uri {storage.uri} holds more than {MOST_SAMPLES} files: name a folder with fewer "
                "of them.",
            )
    return tuple(sorted(found, key=lambda entry: entry.path))


def _look_up_index(role: Role, uri: str, environment: Mapping[str, str], columns: Format, task: Task) -> Source:
    with data_errors(f"spec.data.{role}.uri"):
        storage, name = open_file(uri, environment, DATA_CREDENTIALS_PREFIX)
        entry = storage.info(name)
        if entry.size > MOST_BYTES:
            raise RunError(
                Reason.DATA_INVALID,
                f"spec.data.{role}.uri {uri} is larger than {MOST_BYTES >> 30} GiB: take a part of its rows. Rows name "
                f"{nouns(task).one} files, or hold texts.",
            )
        index = read_index(storage.pieces(name), uri, columns, role=role, task=task)
        names = [] if index.texts else [member for member, _ in index.classes.members]
        found = _infos(storage, names)
    missing = [member for member, info in zip(names, found, strict=True) if info is None]
    if missing:
        files = "1 file is" if len(missing) == 1 else f"{len(missing)} of {len(names)} files are"
        raise RunError(
            Reason.DATA_NOT_FOUND,
            f"spec.data.{role}.uri {uri}: {files} not there ({listed(missing, 3)}): paths are relative to "
            f"{storage.uri}; correct the rows, or add the files.",
        )
    objects = (entry, *(info for info in found if info is not None))
    return Source(role, uri, storage, objects, task, columns, index=index)


def _infos(storage: Storage, names: list[str]) -> list[ObjectInfo | None]:
    """Return what is known of many objects, None for one that is not there. Raises a StorageError."""

    def info(name: str) -> ObjectInfo | None:
        try:
            return storage.info(name)
        except StorageNotFound:
            return None

    # One by one, not by listing: beside an index file there may be far more than it names.
    pool = ThreadPoolExecutor(CONCURRENT_LOOKS, thread_name_prefix="look")
    try:
        return list(pool.map(info, names))
    finally:
        pool.shutdown(cancel_futures=True)  # the rest of the queue is not worth an error each
