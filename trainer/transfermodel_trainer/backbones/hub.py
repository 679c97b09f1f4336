"""What libraries download by name: reached within seconds or not at all. Knows no torch."""

import contextlib
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from transfermodel_operator.api import Reason

from transfermodel_trainer.errors import RunError, StorageFailure

CONNECT_SECONDS = 8.0
REMEDY: Final = (
    "let the training pod reach that host, or store the weights yourself and set spec.backbone.weights.uri instead of "
    "name"
)


def fetch(what: str, repository: str, revision: str, files: tuple[str, ...], cache: Path) -> Path:
    """Return the folder that holds those of the files that a repository of the Hugging Face hub has.

    Once they are in the cache nothing is asked of the network. The files may be links into the cache.

    Args:
        what: for sentences: "The weights … of …".
        repository: owner/name.
        revision: a branch, a tag or a commit.
        files: names; no others are downloaded.
        cache: folder.

    Raises:
        RunError: WeightsUnavailable.
    """
    import huggingface_hub
    from huggingface_hub import constants, errors
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    # Its newer protocol keeps a cache of its own in the home folder, which a container has none of.
    constants.HF_HUB_DISABLE_XET = True
    found = cached(repository, revision, files, cache)
    if found is not None:
        return found
    url = f"{constants.ENDPOINT}/{repository}"
    absent = (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError)
    try:
        with unavailable(what, url, but=absent):
            reach(constants.ENDPOINT)
            return Path(
                huggingface_hub.snapshot_download(
                    repository, revision=revision, cache_dir=_folder(cache), allow_patterns=list(files)
                )
            )
    except absent as error:
        raise RunError(
            Reason.WEIGHTS_UNAVAILABLE,
            f"{what} do not exist: {url} has no revision {revision}, or is not public; correct spec.backbone.name and "
            "spec.backbone.weights.name, or set spec.backbone.weights.uri.",
        ) from error


def cached(repository: str, revision: str, files: tuple[str, ...], cache: Path) -> Path | None:
    """Return the folder of files that were downloaded whole before, if they were."""
    import huggingface_hub
    from huggingface_hub import errors

    try:
        return Path(
            huggingface_hub.snapshot_download(
                repository,
                revision=revision,
                cache_dir=_folder(cache),
                allow_patterns=list(files),
                local_files_only=True,
            )
        )
    except (errors.LocalEntryNotFoundError, errors.IncompleteSnapshotError, errors.HFValidationError):
        return None


def _folder(cache: Path) -> Path:
    return cache / "hub"


@contextlib.contextmanager
def unavailable(what: str, url: str, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn what goes wrong while downloading, but some errors, into WeightsUnavailable: retried, as storage is."""
    try:
        yield
    except but:
        raise
    except (OSError, RuntimeError) as error:
        # URLError and timeouts are OSErrors, and so are the hub's errors; a wrong hash is a RuntimeError.
        raise StorageFailure(
            Reason.WEIGHTS_UNAVAILABLE, f"{what} could not be downloaded from {url} ({_cause(error)}): {REMEDY}."
        ) from error


def reach(url: str) -> None:
    """Raise OSError unless the server answers soon: a loader itself would wait for minutes, and so would DNS."""
    outcome: list[OSError | None] = []

    def attempt() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the library's own address
            urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()  # noqa: S310
            outcome.append(None)
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:.0f} s")
    if outcome[0] is not None:
        raise outcome[0]


def _cause(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return (str(reason).strip().splitlines() or [type(error).__name__])[0]
