"""Weights below a URI: a file, or a folder or an archive as Hugging Face stores an encoder. Knows no torch."""

import hashlib
import posixpath
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from transfermodel_operator.api import Reason
from transfermodel_operator.api.run import DATA_CREDENTIALS_PREFIX
from transfermodel_predictor.artifact.errors import StorageNotFound
from transfermodel_predictor.artifact.storage import ObjectInfo, Storage, open_store

from transfermodel_trainer.backbones.pretrained import Pretrained
from transfermodel_trainer.data.archives import Limits, is_archive, members
from transfermodel_trainer.data.files import open_file
from transfermodel_trainer.data.sources import data_errors
from transfermodel_trainer.errors import RunError

FIELD: Final = "spec.backbone.weights.uri"
ARCHIVE_LIMITS: Final = Limits(members=10_000, member_bytes=8 << 30, total_bytes=32 << 30)
MOST_LISTED: Final = 10_000
"""Files below a folder of weights: with more it is something else."""


def sha256_of(path: Path) -> str:
    """Return "sha256:…" of the file."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(files: Mapping[str, Path]) -> str:
    """Return "sha256:…" over the names and contents of files."""
    lines = "".join(f"{name} {sha256_of(path)}\n" for name, path in sorted(files.items()))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def identity(uri: str, environment: Mapping[str, str]) -> str:
    """Return what tells the weights below a URI from others there, by what storage lists of them.

    Raises:
        RunError: DataNotFound, DataAccessDenied or StorageUnavailable.
    """
    with data_errors(FIELD):
        if _is_file(uri):
            storage, name = open_file(uri, environment, DATA_CREDENTIALS_PREFIX)
            info = storage.info(name)
            return f"{info.size}:{info.etag}"
        lines = "".join(
            f"{entry.path}\0{entry.size}\0{entry.etag}\n" for entry in _listed(open_folder(uri, environment))
        )
        return hashlib.sha256(lines.encode()).hexdigest()


def size(uri: str, environment: Mapping[str, str]) -> int:
    """Return the bytes of the weights below a URI, by what storage lists of them.

    Raises:
        RunError: DataNotFound, DataAccessDenied or StorageUnavailable.
    """
    with data_errors(FIELD):
        if _is_file(uri):
            storage, name = open_file(uri, environment, DATA_CREDENTIALS_PREFIX)
            return storage.info(name).size
        return sum(entry.size for entry in _listed(open_folder(uri, environment)))


def file_of_weights(uri: str, environment: Mapping[str, str], folder: Path, cache: Path) -> Pretrained:
    """Fetch a .safetensors file.

    Raises:
        RunError: DataNotFound, DataAccessDenied or StorageUnavailable; InvalidSpec when it is no such file.
    """
    if not uri.endswith(".safetensors"):
        raise RunError(
            Reason.INVALID_SPEC,
            f"{FIELD} {uri} must be a .safetensors file: pickled weights are never loaded; convert them with "
            "safetensors.",
        )
    with data_errors(FIELD):
        storage, name = open_file(uri, environment, DATA_CREDENTIALS_PREFIX)
        path = download(storage, storage.info(name), folder, cache)
    return Pretrained(path, uri, sha256_of(path))


def files_below(
    uri: str, wanted: Iterable[str], environment: Mapping[str, str], folder: Path, cache: Path
) -> tuple[dict[str, Path], list[str]]:
    """Fetch those of the wanted files that there are in a folder or an archive; return them, and all names there.

    Raises:
        RunError: DataNotFound, DataAccessDenied or StorageUnavailable; what an archive can be wrong in.
    """
    with data_errors(FIELD):
        if is_archive(uri):
            storage, name = open_file(uri, environment, DATA_CREDENTIALS_PREFIX)
            return _unpacked(download(storage, storage.info(name), folder, cache), uri, set(wanted), folder)
        storage = open_folder(uri, environment)
        there = {entry.path: entry for entry in _listed(storage)}
        return (
            {name: download(storage, there[name], folder, cache) for name in wanted if name in there},
            sorted(there),
        )


def open_folder(uri: str, environment: Mapping[str, str]) -> Storage:
    """Open a folder of weights. Raises a StorageError."""
    return open_store(uri, environment, DATA_CREDENTIALS_PREFIX)


def download(storage: Storage, entry: ObjectInfo, folder: Path, cache: Path) -> Path:
    """Return an object as a file: from the cache where storage tells its version, else in the folder.

    Raises a StorageError.
    """
    if entry.etag is None or storage.uri.startswith("file://"):
        path = folder / f"{uuid.uuid4().hex}-{posixpath.basename(entry.path)}"
        storage.download(entry.path, path)
        return path
    key = hashlib.sha256(f"{storage.address(entry.path)}\0{entry.size}\0{entry.etag}".encode()).hexdigest()
    path = cache / "weights" / key
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{key}-{uuid.uuid4().hex}.partial")
        try:
            storage.download(entry.path, partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def _is_file(uri: str) -> bool:
    return uri.endswith(".safetensors") or is_archive(uri)


def _listed(storage: Storage) -> list[ObjectInfo]:
    """Return a folder's files, by path. Raises StorageNotFound where there are none, or too many."""
    found: list[ObjectInfo] = []
    for entry in storage.list():
        if entry.path:
            found.append(entry)
        if len(found) > MOST_LISTED:
            raise StorageNotFound(
                f"{storage.uri} holds more than {MOST_LISTED} files: name the folder of one encoder alone."
            )
    if not found:
        raise StorageNotFound(f"there is nothing under {storage.uri}: check the bucket and the folder.")
    return sorted(found, key=lambda entry: entry.path)


def _unpacked(path: Path, uri: str, wanted: set[str], folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the wanted files of an archive and all names, both below the folder that wraps them, if one does."""
    found: dict[str, Path] = {}
    names: list[str] = []
    for member in members(path, uri, ARCHIVE_LIMITS):
        if member.name.endswith("/"):
            continue
        names.append(member.name)
        if any(member.name == name or member.name.endswith(f"/{name}") for name in wanted):
            found[member.name] = folder / uuid.uuid4().hex
            found[member.name].write_bytes(member.content)
    wrapper = _wrapper(names)
    inner = {name.removeprefix(wrapper): path for name, path in found.items() if name.startswith(wrapper)}
    return {name: path for name, path in inner.items() if name in wanted}, sorted(names)


def _wrapper(names: list[str]) -> str:
    """Return the folder, with its slash, of the config.json that is nearest to the top; "" if there is none."""
    holders = [name.removesuffix("config.json") for name in names if posixpath.basename(name) == "config.json"]
    return min(holders, key=lambda holder: (holder.count("/"), len(holder)), default="")
