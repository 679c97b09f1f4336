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
    uri = uri.rstrip("/")
    manifest = Manifest.from_json(download.result(MANIFEST), digest, uri)
    contents = {}
    for name in names:
        manifest.entry(name, uri)
        contents[name] = download.result(name)
        manifest.verify(name, contents[name], uri)
    return contents
