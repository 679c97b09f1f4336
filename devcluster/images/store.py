"""containerd's image store, through `ctr`: what it holds, and how images get into it quickly."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from devcluster import paths
from devcluster.errors import DevclusterError
from devcluster.images import oci

NAMESPACE = "k8s.io"  # the one that the kubelet reads
HOLLOW_FROM = 1 << 20
_BY_DIGEST = "sha256:"


class ImageStoreError(DevclusterError):
    """containerd refused or is not there."""


def _ctr(*arguments: str) -> list[str]:
    return ["ctr", "--address", str(paths.CONTAINERD_SOCKET), "--namespace", NAMESPACE, *arguments]


def _run(*arguments: str) -> str:
    done = subprocess.run(_ctr(*arguments), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ImageStoreError(f"ctr {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def images() -> dict[str, str]:
    """Every image: full name -> digest of its manifest."""
    found: dict[str, str] = {}
    for line in _run("images", "list").splitlines()[1:]:
        name, _type, digest, *_rest = line.split()
        found[name] = digest
    return found


def blobs() -> set[str]:
    """Digests of everything that the content store holds."""
    return set(_run("content", "list", "--quiet").split())


def remove(names: Iterable[str]) -> None:
    """Forget images; what no other image shares is freed in the background."""
    if chosen := list(names):
        _run("images", "remove", *chosen)


def nameless(records: Mapping[str, str]) -> list[str]:
    """Return the records (full name -> digest) that only the kubelet's side made, of images that lost their last name.

    It keeps one per image under the digest of its configuration, which `ctr images remove NAME` leaves there.
    """
    named = {digest for name, digest in records.items() if not name.startswith(_BY_DIGEST)}
    return [name for name, digest in records.items() if name.startswith(_BY_DIGEST) and digest not in named]


def missing(wanted: Iterable[oci.StaticImage]) -> list[oci.StaticImage]:
    """Those of the images that containerd does not hold exactly as they would be made now."""
    present = images()
    return [image for image in wanted if present.get(image.name) != oci.build(image)[0].digest]


def import_static(wanted: Iterable[oci.StaticImage]) -> None:
    """Import small images in one go."""
    with Importer() as archive:
        for image in wanted:
            manifest, contents = oci.build(image)
            for blob in [*contents, manifest]:
                archive.add_blob(blob)
            archive.name(image.name, manifest.descriptor)


def import_layout(layout: Path, name: str) -> int:
    """Import the one image of an OCI layout folder, sending only the layers that containerd lacks.

    Returns:
        Bytes of the layers that had to be sent.
    """
    descriptor, manifest = _image_of(layout)
    present = blobs()
    sent = 0
    with Importer() as archive:
        for layer in manifest["layers"]:
            if layer["digest"] not in present:
                archive.add_blob_file(layer["digest"], blob_path(layout, layer["digest"]))
                sent += layer["size"]
        # containerd walks from the manifest, so manifest and configuration always go along.
        for content in (manifest["config"], descriptor):
            archive.add_blob_file(content["digest"], blob_path(layout, content["digest"]))
        archive.name(name, {key: descriptor[key] for key in ("mediaType", "digest", "size")})
    return sent


def layers(layout: Path) -> list[str]:
    """Digests of the layers of a layout's one image."""
    return [layer["digest"] for layer in _image_of(layout)[1]["layers"]]


def hollow(layout: Path) -> None:
    """Free the disk space of layers that containerd holds too.

    What stays is a file of the same size without content: skopeo looks at no more than that to know that a layer
    need not be written again.
    """
    present = blobs()
    for digest in layers(layout):
        path = blob_path(layout, digest)
        size = path.stat().st_size
        if digest in present and size > HOLLOW_FROM:
            os.truncate(path, 0)
            os.truncate(path, size)


def drop_lost(layout: Path) -> None:
    """Remove the empty stand-ins of layers that containerd no longer holds, so that they are written again."""
    present = blobs()
    for path in (layout / "blobs").glob("*/*"):
        if is_hollow(path) and f"{path.parent.name}:{path.name}" not in present:
            path.unlink()


def is_hollow(path: Path) -> bool:
    """Whether a file occupies no disk space although it has a size."""
    status = path.stat()
    return status.st_size > HOLLOW_FROM and status.st_blocks * 512 < status.st_size // 2


def _image_of(layout: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Descriptor and manifest of a layout's one image."""
    descriptor = json.loads((layout / "index.json").read_text())["manifests"][0]
    return descriptor, json.loads(blob_path(layout, descriptor["digest"]).read_text())


def blob_path(layout: Path, digest: str) -> Path:
    """Where an OCI layout keeps a blob."""
    return layout / "blobs" / digest.replace(":", "/", 1)


class Importer:
    """`ctr images import` fed from memory: blobs are added, then names; leaving the block waits for containerd."""

    def __enter__(self) -> "Importer":
        """Start the import."""
        self._process = subprocess.Popen(
            _ctr("images", "import", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._input = cast(BinaryIO, self._process.stdin)
        self._output = cast(BinaryIO, self._process.stdout)
        self._archive = oci.LayoutArchive(self._input)
        self._names: dict[str, Mapping[str, Any]] = {}
        self._seen: set[str] = set()
        return self

    def add_blob(self, blob: oci.Blob) -> None:
        """Send a blob from memory, once."""
        if blob.digest not in self._seen:
            self._seen.add(blob.digest)
            self._archive.add_blob(blob)

    def add_blob_file(self, digest: str, path: Path) -> None:
        """Send a blob from a file."""
        self._archive.add_blob_file(digest, path)

    def name(self, name: str, descriptor: Mapping[str, Any]) -> None:
        """Give a manifest a name."""
        self._names[name] = descriptor

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Send the index, wait, and raise what containerd said when it refused."""
        if error is None or isinstance(error, BrokenPipeError):
            with suppress(BrokenPipeError):
                self._archive.close(self._names)
        else:
            self._process.kill()
        with suppress(BrokenPipeError):
            self._input.close()
        output = self._output.read().decode(errors="replace")
        if self._process.wait() != 0 and (error is None or isinstance(error, BrokenPipeError)):
            raise ImageStoreError(f"containerd did not import {', '.join(self._names)}: {output.strip()}")
