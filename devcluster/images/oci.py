"""OCI images made without a build tool: one layer of given files on an empty base.

The format is https://github.com/opencontainers/image-spec. Layers stay uncompressed: the only reader is containerd on
this machine, which would have to unpack them again. Every timestamp is zero, so equal files give an equal digest.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
NON_ROOT_USER = 65532


@dataclass(frozen=True)
class StaticImage:
    """What one small image holds.

    Attributes:
        name: full reference, as pods name it.
        files: path inside the image -> file on this machine; the mode's executable bit is kept.
        entrypoint: command that runs by default.
        user: numeric user and group.
        folders: empty folders that any user may write to.
    """

    name: str
    files: Mapping[str, Path]
    entrypoint: Sequence[str]
    user: int = NON_ROOT_USER
    folders: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Blob:
    """Bytes with their digest, as a manifest names them."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        """`sha256:…` of the bytes."""
        return "sha256:" + hashlib.sha256(self.data).hexdigest()

    @property
    def descriptor(self) -> dict[str, Any]:
        """The OCI content descriptor."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


def layer(image: StaticImage) -> Blob:
    """Pack an image's files as one reproducible tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for folder in _folders(image):
            entry = tarfile.TarInfo(folder)
            entry.type = tarfile.DIRTYPE
            entry.mode = 0o1777 if f"/{folder}" in image.folders else 0o755
            archive.addfile(entry)
        for target, source in sorted(image.files.items()):
            entry = tarfile.TarInfo(target.lstrip("/"))
            entry.size = source.stat().st_size
            entry.mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
            with source.open("rb") as content:
                archive.addfile(entry, content)
    return Blob(LAYER_TYPE, buffer.getvalue())


def _folders(image: StaticImage) -> list[str]:
    """Every folder that must exist, parents first, without the leading slash."""
    wanted = {str(PurePosixPath(folder)) for folder in image.folders}
    for path in [*image.files, *image.folders]:
        wanted.update(str(parent) for parent in PurePosixPath(path).parents)
    return sorted(folder.lstrip("/") for folder in wanted if folder != "/")


def build(image: StaticImage) -> tuple[Blob, list[Blob]]:
    """Make an image's manifest and the blobs that it names (config, layer)."""
    packed = layer(image)
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
        "os": "linux",
        "config": {
            "Entrypoint": list(image.entrypoint),
            "User": f"{image.user}:{image.user}",
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "SSL_CERT_DIR=/etc/ssl/certs"],
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [packed.digest]},
    }
    configuration = Blob(CONFIG_TYPE, _json(config))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": configuration.descriptor,
        "layers": [packed.descriptor],
    }
    return Blob(MANIFEST_TYPE, _json(manifest)), [configuration, packed]


def index(images: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The index.json of a layout: full image name -> descriptor of its manifest."""
    manifests = [
        # containerd takes the whole name from its own annotation; other tools read the standard one.
        {**descriptor, "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}}
        for name, descriptor in images.items()
    ]
    return _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests})


class LayoutArchive:
    """Writes an OCI layout as a tar stream, for `ctr images import -`; blobs that the reader has may be left out."""

    def __init__(self, stream: BinaryIO) -> None:
        """Begin the archive on a stream that need not be seekable."""
        self._archive = tarfile.TarFile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT)
        self._add("oci-layout", _json({"imageLayoutVersion": "1.0.0"}))

    def add_blob(self, blob: Blob) -> None:
        """Add a blob from memory."""
        self._add(_blob_path(blob.digest), blob.data)

    def add_blob_file(self, digest: str, path: Path) -> None:
        """Add a blob from a file of any size."""
        entry = tarfile.TarInfo(_blob_path(digest))
        entry.size = path.stat().st_size
        with path.open("rb") as content:
            self._archive.addfile(entry, content)

    def close(self, images: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the index last and end the archive."""
        self._add("index.json", index(images))
        self._archive.close()

    def _add(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        self._archive.addfile(entry, io.BytesIO(data))


def _blob_path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
