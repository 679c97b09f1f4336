"""Archives that cannot be trusted."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from transfermodel_operator.api import Reason
from transfermodel_trainer.data.archives import Limits, members
from transfermodel_trainer.errors import RunError

from tests.support import datasets

FILES = {"a/1.png": b"one", "b/2.png": b"two"}


def read(tmp_path: Path, content: bytes, name: str, limits: Limits | None = None) -> dict[str, bytes]:
    path = tmp_path / name
    path.write_bytes(content)
    return {member.name: member.content for member in members(path, f"s3://bucket/{name}", limits)}


def refused(tmp_path: Path, content: bytes, name: str, limits: Limits | None = None) -> RunError:
    with pytest.raises(RunError) as caught:
        read(tmp_path, content, name, limits)
    return caught.value


def tar_of(*entries: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(b"x" * entry.size))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tgz", "x.zip"])
def test_plain_files_are_read(tmp_path: Path, name: str) -> None:
    if name.endswith("zip"):
        content = datasets.zip_archive(FILES)
    else:
        content = datasets.tar(FILES, compression="" if name == "x.tar" else "gz")
    assert read(tmp_path, content, name) == FILES


def test_a_leading_dot_and_folders_are_fine(tmp_path: Path) -> None:
    content = tar_of(entry("./a", tarfile.DIRTYPE), entry("./a/1.png", size=1))
    assert read(tmp_path, content, "x.tar") == {"a/": b"", "a/1.png": b"x"}


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (entry("../evil.png"), "outside"),
        (entry("a/../../evil.png"), "outside"),
        (entry("/etc/evil.png"), "outside"),
        (entry("..\\evil.png"), "outside"),
        (entry("a/evil.png", tarfile.SYMTYPE, "/etc/passwd"), "link"),
        (entry("a/evil.png", tarfile.LNKTYPE, "a/1.png"), "link"),
        (entry("a/evil.png", tarfile.CHRTYPE), "device"),
        (entry("a/evil.png", tarfile.BLKTYPE), "device"),
        (entry("a/evil.png", tarfile.FIFOTYPE), "pipe"),
    ],
)
def test_unsafe_members_of_tar_are_named(tmp_path: Path, member: tarfile.TarInfo, says: str) -> None:
    error = refused(tmp_path, tar_of(entry("a/1.png"), member), "x.tar")
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "evil.png" in error.message
    assert says in error.message


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "C:/evil.png"])
def test_paths_outside_of_zip_are_named(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path, datasets.zip_archive(FILES | {name: b""}), "x.zip")
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "evil.png" in error.message


def test_a_link_in_zip(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a/evil.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    error = refused(tmp_path, buffer.getvalue(), "x.zip")
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "link" in error.message


SMALL = Limits(members=2, member_bytes=1000)


def test_too_many_members(tmp_path: Path) -> None:
    error = refused(tmp_path, tar_of(entry("a"), entry("b"), entry("third")), "x.tar", SMALL)
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "third" in error.message


def test_too_many_members_of_zip_are_never_listed(tmp_path: Path) -> None:
    files = {f"a/{number}.png": b"" for number in range(5)}
    error = refused(tmp_path, datasets.zip_archive(files), "x.zip", SMALL)
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "more than 2 members. Make" in error.message, "and not one of them by name"
    assert read(tmp_path, datasets.zip_archive(files), "x.zip", Limits(members=5)) == files


def test_long_names_of_zip_are_never_listed(tmp_path: Path) -> None:
    files = {f"a/{number}{'x' * 60_000}.png": b"" for number in range(2)}
    error = refused(tmp_path, datasets.zip_archive(files), "x.zip", SMALL)
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "KiB of names and attributes" in error.message


def test_a_zip_in_a_zip_is_content(tmp_path: Path) -> None:
    inner = datasets.zip_archive({f"{number}": b"" for number in range(5)})
    assert read(tmp_path, datasets.zip_archive({"a/1.zip": inner}), "x.zip", Limits(members=2)) == {"a/1.zip": inner}


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_that_outgrow_memory(tmp_path: Path, kind: bytes) -> None:
    header = entry("header", kind, size=50_000_000)
    content = tar_of(entry("a/1.png", size=10))[:1024] + header.tobuf() + bytes(50_000_000)
    error = refused(tmp_path, content, "x.tar", Limits(member_bytes=1000))
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "headers after member 'a/1.png'" in error.message


def test_many_members_are_no_long_header(tmp_path: Path) -> None:
    files = {f"a/{number}": bytes(1000) for number in range(50)}
    assert read(tmp_path, datasets.tar(files), "x.tar", Limits(member_bytes=1000, header_bytes=20_000)) == files


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    error = refused(tmp_path, tar_of(entry("caf\udce9/1.png")), "x.tar")
    assert error.reason is Reason.DATA_INVALID
    assert "'caf\\udce9/1.png' is not UTF-8" in error.message


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip"])
def test_a_bomb_by_ratio(tmp_path: Path, name: str) -> None:
    bomb = {"a/1.png": b"", "a/bomb.png": bytes(100_000)}
    if name.endswith("zip"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in bomb.items():
                archive.writestr(member, content)
        packed = buffer.getvalue()
    else:
        packed = datasets.tar(bomb, compression="gz")
    limits = Limits(ratio=10, ratio_from_bytes=50_000)
    error = refused(tmp_path, packed, name, limits)
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "bomb.png" in error.message
    assert "10 times" in error.message


def test_a_bomb_in_a_header(tmp_path: Path) -> None:
    # A pax header of 50 MB: read by tarfile itself, before any member is seen.
    header = entry("header", tarfile.XHDTYPE, size=50_000_000)
    packed = gzip.compress(header.tobuf() + bytes(50_000_000))
    error = refused(tmp_path, packed, "x.tar.gz", Limits(ratio=10, ratio_from_bytes=1_000_000))
    assert error.reason is Reason.UNSAFE_ARCHIVE


def test_a_member_too_large(tmp_path: Path) -> None:
    error = refused(tmp_path, tar_of(entry("huge.png", size=1001)), "x.tar", SMALL)
    assert error.reason is Reason.UNSAFE_ARCHIVE
    assert "huge.png" in error.message


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.zip"])
@pytest.mark.parametrize("content", [b"not an archive", datasets.tar(FILES, compression="gz")[:60]])
def test_what_is_no_archive(tmp_path: Path, name: str, content: bytes) -> None:
    assert refused(tmp_path, content, name).reason is Reason.DATA_INVALID
