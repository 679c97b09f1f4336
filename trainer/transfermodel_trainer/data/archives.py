"""Archives of class folders, read without trusting them.

Regular files only. tarfile's own filters were bypassed (CVE-2025-4517, CVE-2025-4330), so nothing is ever extracted:
members are read one by one into the spool, and their names are only names.
"""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from transfermodel_operator.api import Reason

from transfermodel_trainer.data.classes import MOST_SAMPLES
from transfermodel_trainer.errors import RunError

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".zip")
READ_BYTES = 1 << 20
ENTRY = b"PK\1\2"
"""Begins each member's entry in the directory of a .zip."""
ENTRY_BYTES = 256
DIRECTORY_BYTES = 1 << 16
"""A directory may have so many bytes for each member that is allowed, and so many more."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold before it counts as an attack on memory or disk."""

    members: int = MOST_SAMPLES
    member_bytes: int = 256 << 20
    header_bytes: int = 1 << 20
    """Of one member: tarfile and zipfile hold names and attributes in memory."""
    total_bytes: int = 64 << 30
    ratio: int = 200
    ratio_from_bytes: int = 256 << 20
    """Below this many bytes in all the ratio does not matter."""


@dataclass(frozen=True)
class Member:
    """One file or folder of an archive; a folder's name ends in "/" and it has no content."""

    name: str
    content: bytes


def is_archive(uri: str) -> bool:
    """Tell whether the URI names an archive."""
    return uri.endswith(SUFFIXES)


def members(path: Path, uri: str, limits: Limits | None = None) -> Iterator[Member]:
    """Yield the files and folders of the archive, in its order.

    Raises:
        RunError: UnsafeArchive for a member that is not a plain file inside it, or too much of anything;
            DataInvalid for a file that is no such archive.
    """
    limits = limits or Limits()
    try:
        if uri.endswith(".zip"):
            yield from _zip_members(path, uri, limits)
        else:
            yield from _tar_members(path, uri, limits)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError) as error:
        raise RunError(
            Reason.DATA_INVALID,
            f"{uri} cannot be read as the archive that its name says ({error}): make it again, as .tar, "
            ".tar.gz, .tgz or .zip.",
        ) from error


def _unsafe(uri: str, what: str) -> NoReturn:
    raise RunError(Reason.UNSAFE_ARCHIVE, f"{uri}: {what}. Make the archive anew from plain files and folders only.")


def _safe_name(uri: str, name: str) -> str:
    """Return the name without a leading "./"; anything that points elsewhere is refused."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise RunError(
            Reason.DATA_INVALID, f"{uri}: the name of member {name!a} is not UTF-8; make the archive with such names."
        ) from error
    plain = name.replace("\\", "/")
    parts = PurePosixPath(plain).parts
    if plain.startswith("/") or ".." in parts or "\0" in name or (parts and parts[0].endswith(":")):
        _unsafe(uri, f"member {name!r} has a path outside the archive")
    return "/".join(part for part in parts if part != ".")


class _Budget:
    """Counts what came out of the archive against what went in."""

    def __init__(self, path: Path, uri: str, limits: Limits) -> None:
        self.uri, self.limits = uri, limits
        self.packed = max(1, path.stat().st_size)
        self.members = self.total = self.before = 0
        self.current = "its first member"

    def member(self, name: str) -> None:
        self.current = repr(name)
        self.members += 1
        self.before = self.total
        if self.members > self.limits.members:
            _unsafe(self.uri, f"more than {self.limits.members} members, the first too many being {self.current}")

    def grow(self, size: int) -> None:
        self.total += size
        if self.total - self.before > self.limits.member_bytes + self.limits.header_bytes:
            _unsafe(self.uri, f"more than {self.limits.header_bytes >> 10} KiB of headers after member {self.current}")
        if self.total > self.limits.total_bytes:
            _unsafe(
                self.uri, f"more than {self.limits.total_bytes >> 20} MiB unpacked, reached at member {self.current}"
            )
        if self.total > self.limits.ratio_from_bytes and self.total > self.packed * self.limits.ratio:
            _unsafe(
                self.uri, f"unpacks to more than {self.limits.ratio} times its size, reached at member {self.current}"
            )

    def size(self, size: int) -> None:
        if size > self.limits.member_bytes:
            _unsafe(self.uri, f"member {self.current} is larger than {self.limits.member_bytes >> 20} MiB")


class _Counted:
    """A readable stream that charges what it hands out, headers too, to the budget."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, budget: _Budget) -> None:
        self.stream, self.budget = stream, budget

    def read(self, size: int) -> bytes:
        data = self.stream.read(min(size, READ_BYTES))
        self.budget.grow(len(data))
        return data


def _tar_members(path: Path, uri: str, limits: Limits) -> Iterator[Member]:
    budget = _Budget(path, uri, limits)
    with path.open("rb") as raw:
        unpacked = raw if uri.endswith(".tar") else gzip.GzipFile(fileobj=raw)
        # As a stream ("r|"): tarfile then asks for small blocks, and the budget sees every one of them.
        with tarfile.open(fileobj=_Counted(unpacked, budget), mode="r|") as archive:  # type: ignore[call-overload]
            while (info := archive.next()) is not None:
                archive.members.clear()  # tarfile keeps all that it has seen
                budget.member(info.name)
                name = _safe_name(uri, info.name)
                if info.isdir():
                    yield Member(f"{name}/" if name else "", b"")
                    continue
                if info.issym() or info.islnk():
                    _unsafe(uri, f"member {info.name!r} is a link")
                if info.ischr() or info.isblk() or info.isfifo():
                    _unsafe(uri, f"member {info.name!r} is a device or a pipe")
                if not info.isreg() or info.issparse():
                    _unsafe(uri, f"member {info.name!r} is not a plain file")
                budget.size(info.size)
                content = archive.extractfile(info)
                yield Member(name, b"" if content is None else content.read())


class _Directory(io.BufferedReader):
    """A .zip that zipfile opens: it reads the list of all members in one go, and keeps an object of each."""

    def __init__(self, path: Path, uri: str, limits: Limits) -> None:
        super().__init__(io.FileIO(path))
        self.uri, self.limits = uri, limits
        self.opening = True

    def read(self, size: int | None = -1) -> bytes:
        most = DIRECTORY_BYTES + self.limits.members * ENTRY_BYTES
        if self.opening and size is not None and size > most:
            _unsafe(self.uri, f"more than {most >> 10} KiB of names and attributes")
        data = super().read(size)
        if self.opening and data.count(ENTRY) > self.limits.members:
            _unsafe(self.uri, f"more than {self.limits.members} members")
        return data


def _zip_members(path: Path, uri: str, limits: Limits) -> Iterator[Member]:
    budget = _Budget(path, uri, limits)
    with _Directory(path, uri, limits) as file, zipfile.ZipFile(file) as archive:
        file.opening = False
        for info in archive.infolist():
            budget.member(info.filename)
            name = _safe_name(uri, info.filename)
            mode = info.external_attr >> 16
            kind = mode & 0o170000
            if kind not in (0, 0o100000, 0o040000):
                what = "a link" if kind == 0o120000 else "a device or a pipe"
                _unsafe(uri, f"member {info.filename!r} is {what}")
            if info.is_dir():
                yield Member(f"{name}/" if name else "", b"")
                continue
            if info.flag_bits & 1:
                raise RunError(
                    Reason.DATA_INVALID,
                    f"{uri}: member {info.filename!r} is encrypted; make the archive without a password.",
                )
            budget.size(info.file_size)
            with archive.open(info) as stream:
                chunks = []
                while chunk := stream.read(READ_BYTES):
                    budget.grow(len(chunk))
                    chunks.append(chunk)
            yield Member(name, b"".join(chunks))
