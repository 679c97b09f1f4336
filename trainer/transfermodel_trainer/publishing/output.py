"""The run's folder in storage: earlier results, the artifact, the result."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from transfermodel_operator.api import Reason, RunRequest, RunResult
from transfermodel_operator.api.run import OUTPUT_CREDENTIALS_PREFIX
from transfermodel_predictor.artifact.errors import ArtifactError, StorageAccessDenied, StorageError, StorageNotFound
from transfermodel_predictor.artifact.manifest import Manifest
from transfermodel_predictor.artifact.names import MANIFEST
from transfermodel_predictor.artifact.storage import Storage, open_store

from transfermodel_trainer.errors import StorageFailure

RESULT_NAME = "result.json"
PROBE_NAME = ".writable"


class RunFolder:
    """<outputUri>/<namespace>/<name>/runs/<run>/<inputsDigest>."""

    def __init__(self, request: RunRequest, inputs_digest: str, environment: Mapping[str, str]) -> None:
        """Open the folder; nothing is read yet."""
        self.output_uri = request.output_uri
        root = f"{request.output_uri.rstrip('/')}/{request.namespace}/{request.name}/runs/{request.run}/{inputs_digest}"
        self._root, self._environment = root, environment
        self._folder = self._open(root)
        self._namespace = f"{request.output_uri.rstrip('/')}/{request.namespace}"

    def shared(self) -> Storage:
        """Return the folder of the namespace: what its runs share."""
        return self._open(self._namespace)

    def beside(self, name: str) -> Storage:
        """Return a folder in it."""
        return self._open(f"{self._root}/{name}")

    def stored_result(self) -> RunResult | None:
        """Return the result of an earlier run of the same inputs, if its artifact is still whole.

        Raises:
            RunError: OutputNotWritable when storage does not answer.
        """
        try:
            result = RunResult.model_validate_json(self._folder.get(RESULT_NAME))
            artifact = self._open(result.uri)
            manifest = Manifest.from_json(artifact.get(MANIFEST), result.digest, result.uri)
            stored = {entry.path: entry.size for entry in artifact.list()}
        except (StorageNotFound, StorageAccessDenied, ValidationError):
            return None  # if there is really no access, the first write says so
        except StorageError as error:
            raise self._not_writable(error) from error
        except ArtifactError:
            return None  # what is stored cannot be used: train again
        whole = all(stored.get(name) == entry.size for name, entry in manifest.files.items())
        return result.model_copy(update={"reused": True}) if whole else None

    def probe(self) -> None:
        """Write a small object, before any time is spent. Raises OutputNotWritable."""
        try:
            self._folder.put(PROBE_NAME, b"The run began and could write here.\n")
        except StorageError as error:
            raise self._not_writable(error) from error

    def publish(self, folder: Path, digest: str) -> str:
        """Upload the artifact's files, the manifest last; return the artifact's URI. Raises OutputNotWritable.

        The folder is named by the digest: two runs of the same inputs at a time cannot mix their files.
        """
        uri = f"{self._root}/artifact/{digest.removeprefix('sha256:')[:16]}"
        artifact = self._open(uri)
        names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
        try:
            for name in [*names, MANIFEST]:
                artifact.put(name, folder / name)
        except StorageError as error:
            raise self._not_writable(error) from error
        return uri

    def conclude(self, result: RunResult) -> RunResult:
        """Write result.json unless another run of the same inputs was first; return the one that stands."""
        content = (result.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n").encode()
        try:
            if self._folder.put_if_absent(RESULT_NAME, content):
                return result
            stands = self.stored_result()
            if stands is not None:
                return stands
            # What was there spoke of an artifact that is gone; ours is whole.
            self._folder.put(RESULT_NAME, content)
        except StorageError as error:
            raise self._not_writable(error) from error
        return result

    def _open(self, uri: str) -> Storage:
        try:
            return open_store(uri, self._environment, OUTPUT_CREDENTIALS_PREFIX)
        except StorageError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error: Exception) -> StorageFailure:
        return StorageFailure(
            Reason.OUTPUT_NOT_WRITABLE,
            f"Nothing can be stored under spec.output.uri {self.output_uri}: {error} The secret is the one of "
            "spec.output.credentialsSecretName.",
        )
