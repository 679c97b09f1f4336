"""manifest.json: size and SHA-256 of every file; its own digest is the version's digest."""

import re
from pathlib import Path
from typing import Annotated, Final, Self

from msgspec import Meta, Struct, to_builtins

from transfermodel_predictor.artifact.canonical import DIGEST_PREFIX, canonical_json, digest_of
from transfermodel_predictor.artifact.errors import ArtifactCorrupt, ArtifactMalformed
from transfermodel_predictor.artifact.names import MANIFEST
from transfermodel_predictor.artifact.structure import read

FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
"""Plain names only: no folder, nothing that leads out of the artifact."""


class ManifestEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    size: Annotated[int, Meta(ge=0)]
    """In bytes."""

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Describe a file's content."""
        return cls(sha256=digest_of(data).removeprefix(DIGEST_PREFIX), size=len(data))


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """All files of an artifact but the manifest itself."""

    files: dict[str, ManifestEntry]

    def __post_init__(self) -> None:
        """Raise ValueError for names that are none."""
        for name in self.files:
            if not FILE_NAME.fullmatch(name) or name == MANIFEST:
                raise ValueError(f"{name!r} is no name of an artifact's file")

    @classmethod
    def of_files(cls, files: dict[str, bytes]) -> Self:
        """Describe files by name and content."""
        return cls(files={name: ManifestEntry.of(data) for name, data in files.items()})

    def to_json(self) -> bytes:
        """Return the content of manifest.json, whose SHA-256 is the digest."""
        return canonical_json(to_builtins(self))

    @property
    def digest(self) -> str:
        """sha256:… of manifest.json."""
        return digest_of(self.to_json())

    @classmethod
    def from_json(cls, data: bytes, digest: str, uri: str) -> Self:
        """Read manifest.json, which must be of this digest.

        Raises:
            ArtifactCorrupt: It is another one.
            ArtifactMalformed: It is no manifest.
        """
        actual = digest_of(data)
        if actual != digest:
            raise ArtifactCorrupt(
                f"{uri}/{MANIFEST} is {actual}, but {digest} was expected: somebody replaced the artifact. "
                "Restore it, or train the model again."
            )
        try:
            return read(data, cls)
        except ValueError as error:
            raise ArtifactMalformed(f"{uri}/{MANIFEST} is no manifest: {error}.") from error

    def entry(self, name: str, uri: str) -> ManifestEntry:
        """Return one file's entry.

        Raises:
            ArtifactCorrupt: There is none.
        """
        entry = self.files.get(name)
        if entry is None:
            raise ArtifactCorrupt(f"{uri}/{MANIFEST} lists no {name}: the artifact is not complete. Train it again.")
        return entry

    def verify(self, name: str, size: int, digest: str, uri: str) -> None:
        """Check one file against its entry; digest: sha256:… of what was read.

        Raises:
            ArtifactCorrupt: The file is not listed, or is another one.
        """
        entry = self.entry(name, uri)
        if (size, digest) != (entry.size, DIGEST_PREFIX + entry.sha256):
            raise ArtifactCorrupt(
                f"{uri}/{name} ({size} bytes) is not the file of the manifest ({entry.size} bytes, sha256 "
                f"{entry.sha256}): somebody replaced it, or it was cut off. Restore it, or train the model again."
            )


def write_manifest(folder: Path) -> str:
    """Describe every file of a folder in its manifest.json, and return the artifact's digest."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    manifest = Manifest.of_files(files)
    (folder / MANIFEST).write_bytes(manifest.to_json())
    return manifest.digest
