"""Reading an artifact's files, each verified before anybody uses it."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from transfermodel_predictor.artifact.description import ModelDescription
from transfermodel_predictor.artifact.errors import InvalidArtifact
from transfermodel_predictor.artifact.manifest import MANIFEST_NAME, Manifest
from transfermodel_predictor.artifact.storage import Location, open_location


def fetch(
    uri: str, digest: str, names: Iterable[str], environment: Mapping[str, str], prefix: str = ""
) -> dict[str, bytes]:
    """Return the content of the named files of the artifact, in memory, read side by side.

    Args:
        uri: the artifact's folder.
        digest: sha256:… of its manifest.
        names: of the files wanted.
        environment: where the credentials are.
        prefix: of the credentials' variables.

    Raises:
        StorageError: a file cannot be read.
        DigestMismatch: a file is not what was published.
        InvalidArtifact: the manifest has no such file.
    """
    location = open_location(uri, environment, prefix)
    manifest = Manifest.parse(location.get(MANIFEST_NAME), digest)
    wanted = list(names)
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
        contents = pool.map(lambda name: _verified(location, manifest, name), wanted)
        return dict(zip(wanted, contents, strict=True))


def _verified(location: Location, manifest: Manifest, name: str) -> bytes:
    content = location.get(name) if name in manifest.files else b""
    manifest.verify(name, content)
    return content


def parse_description(content: bytes) -> ModelDescription:
    """Read model.json.

    Raises:
        InvalidArtifact: it is not what this version understands.
    """
    try:
        return ModelDescription.model_validate_json(content)
    except ValueError as error:
        raise InvalidArtifact(f"model.json cannot be understood: {error}") from error
