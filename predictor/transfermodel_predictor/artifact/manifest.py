"""manifest.json: SHA-256 and size of every file; its own digest names the version."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from transfermodel_predictor.artifact.errors import DigestMismatch, InvalidArtifact

MANIFEST_NAME: Final = "manifest.json"


class FileEntry(BaseModel):
    """One file of the artifact."""

    model_config = ConfigDict(frozen=True)

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    """In bytes."""


class Manifest(BaseModel):
    """All files of an artifact but the manifest itself, by name."""

    model_config = ConfigDict(frozen=True)

    files: dict[str, FileEntry]

    def to_bytes(self) -> bytes:
        """Return the canonical JSON: sorted keys, no spaces, so that equal files give an equal digest."""
        return json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """sha256:… of the canonical JSON: the digest of the artifact."""
        return digest_of(self.to_bytes())

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> "Manifest":
        """Describe files given by content."""
        return cls(
            files={
                name: FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
                for name, content in files.items()
            }
        )

    @classmethod
    def parse(cls, content: bytes, digest: str) -> "Manifest":
        """Read manifest.json, which must have this digest.

        Raises:
            DigestMismatch: it has another.
            InvalidArtifact: it is no manifest.
        """
        if (found := digest_of(content)) != digest:
            raise DigestMismatch(
                f"The artifact's {MANIFEST_NAME} has digest {found}, not {digest}: "
                "it was changed since it was published. Train again, or restore the stored files."
            )
        try:
            return cls.model_validate_json(content)
        except ValueError as error:
            raise InvalidArtifact(f"{MANIFEST_NAME} is not a manifest: {error}") from error

    def verify(self, name: str, content: bytes) -> None:
        """Raise unless `content` is what the manifest says of the file.

        Raises:
            DigestMismatch: it is not.
            InvalidArtifact: the manifest has no such file.
        """
        entry = self.files.get(name)
        if entry is None:
            raise InvalidArtifact(
                f"The artifact holds no {name}; it has {', '.join(sorted(self.files)) or 'no files'}."
            )
        if len(content) != entry.size or hashlib.sha256(content).hexdigest() != entry.sha256:
            raise DigestMismatch(
                f"{name} is not the file that was published (its SHA-256 differs from the manifest's). "
                "Train again, or restore the stored files."
            )


def digest_of(content: bytes) -> str:
    """Return sha256:<hex>."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def write_manifest(folder: Path) -> str:
    """Write manifest.json over all files of the folder, and return the artifact's digest."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != MANIFEST_NAME}
    manifest = Manifest.of(files)
    (folder / MANIFEST_NAME).write_bytes(manifest.to_bytes())
    return manifest.digest
