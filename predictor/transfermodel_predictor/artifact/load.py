"""Reading an artifact, each file checked before anything looks into it."""

from collections.abc import Iterable, Mapping

from transfermodel_predictor.artifact.download import Download
from transfermodel_predictor.artifact.manifest import Manifest
from transfermodel_predictor.artifact.names import MANIFEST, SERVED

__all__ = ["SERVED", "fetch", "verified"]


def fetch(
    uri: str, digest: str, files: Iterable[str], environment: Mapping[str, str], prefix: str = ""
) -> dict[str, bytes]:
    """Return files of an artifact by name, in memory.

    uri: the artifact's folder; digest: sha256:… of its manifest.json; prefix: of the credentials' variables.

    Raises:
        ArtifactCorrupt: The manifest or a file is not what its digest says, or a file is missing from the manifest.
        ArtifactMalformed: The manifest cannot be read.
        StorageError: Storage failed.
    """
    names = list(files)
    return verified(Download(uri, [MANIFEST, *names], environment, prefix), uri, digest, names)


def verified(download: Download, uri: str, digest: str, names: Iterable[str]) -> dict[str, bytes]:
    """Wait for files and their manifest, and return the files by name; as `fetch` otherwise."""
    files = VerifiedFiles(download, uri, digest)
    return {name: files.file(name) for name in names}


class VerifiedFiles:
    """An artifact's files on their way, each checked before it is handed on."""

    def __init__(self, download: Download, uri: str, digest: str) -> None:
        """Wait for the manifest; as `fetch` otherwise."""
        self._download = download
        self._uri = uri.rstrip("/")
        self._manifest = Manifest.from_json(bytes(download.result(MANIFEST).data), digest, self._uri)

    def has(self, name: str) -> bool:
        """Tell whether the artifact has a file of this name."""
        return name in self._manifest.files

    def ask(self, names: Iterable[str]) -> None:
        """Begin to read more files.

        Raises:
            ArtifactCorrupt: The manifest does not list one.
        """
        for name in names:
            self._manifest.entry(name, self._uri)
            self._download.begin(name)

    def file(self, name: str) -> bytes:
        """Wait for one file, and return it, once; as `fetch` otherwise."""
        return bytes(self.view(name))

    def view(self, name: str) -> memoryview:
        """Wait for one file, and return it, once, without a copy of a large one; as `fetch` otherwise."""
        self._manifest.entry(name, self._uri)
        content, actual = self._download.result(name)
        self._manifest.verify(name, len(content), actual, self._uri)
        return content
