"""Reading an artifact, each file checked before anything looks into it."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from transfermodel_predictor.artifact.manifest import MANIFEST, Manifest
from transfermodel_predictor.artifact.storage import open_store

SERVED: Final = ("model.json", "model.onnx")
"""All that the predictor needs."""


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
    uri = uri.rstrip("/")
    storage = open_store(uri, environment, prefix)
    names = list(files)
    # Side by side: each is a round trip to storage, and hashing leaves the interpreter free.
    with ThreadPoolExecutor(max_workers=len(names) + 1, thread_name_prefix="fetch") as pool:
        manifest_data = pool.submit(storage.get, MANIFEST)
        pending = {name: pool.submit(storage.get, name) for name in names}
        manifest = Manifest.from_json(manifest_data.result(), digest, uri)
        contents = {name: data.result() for name, data in pending.items()}
        checks = [pool.submit(manifest.verify, name, data, uri) for name, data in contents.items()]
        for check in checks:
            check.result()
    return contents
