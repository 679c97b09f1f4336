"""PersistentVolumeClaims: pvc://claim/path is a folder that the operator mounted into the pod, read-only.

What others write into a volume must not make the trainer read its own secrets: nothing outside of the mount is read,
whatever links lead there, and nothing but plain files.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from obstore import store
from transfermodel_operator.api import Reason
from transfermodel_operator.api.run import CLAIMS_FOLDER
from transfermodel_predictor.artifact.errors import StorageNotFound, StorageUriInvalid
from transfermodel_predictor.artifact.storage import ObjectInfo, Storage

from transfermodel_trainer.errors import RunError

SCHEME: Final = "pvc://"
CLAIM: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def is_claim(uri: str) -> bool:
    """Tell whether the URI names a path in a claim."""
    return uri.startswith(SCHEME)


def open_claim(uri: str) -> Storage:
    """Return the folder pvc://claim/path; its path is taken as it stands.

    Raises:
        StorageUriInvalid: It is no such URI, or leads out of the claim.
        StorageNotFound: The claim is not mounted here.
    """
    claim, _, path = uri.removeprefix(SCHEME).rstrip("/").partition("/")
    if not CLAIM.fullmatch(claim) or ".." in claim:
        raise StorageUriInvalid(f"{uri!r} names no claim: use pvc://claim/path.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise StorageUriInvalid(f"{uri!r} leads out of the claim: leave out '..'.")
    mount = Path(CLAIMS_FOLDER) / claim
    if not mount.is_dir():
        raise StorageNotFound(
            f"{uri} is not mounted here: only a cluster has claims. On one machine, name the folder itself."
        )
    return ClaimStorage(f"{SCHEME}{claim}{''.join(f'/{part}' for part in parts)}", mount, parts)


class ClaimStorage(Storage):
    """A folder of a mounted claim, for reading."""

    def __init__(self, uri: str, mount: Path, parts: list[str]) -> None:
        """Take the folder in which the claim is mounted, and the path in it."""
        folder = mount.joinpath(*parts)
        super().__init__(uri, store.LocalStore(), f"{str(folder).strip('/')}/")
        self._mount = os.path.realpath(mount)
        self._folder = folder

    def get(self, path: str) -> bytes:
        """As of every storage."""
        self._check(path)
        return super().get(path)

    def get_start(self, path: str, length: int) -> bytes:
        """As of every storage."""
        self._check(path)
        return super().get_start(path, length)

    def pieces(self, path: str) -> Iterator[bytes]:
        """As of every storage."""
        self._check(path)
        return super().pieces(path)

    def info(self, path: str) -> ObjectInfo:
        """As of every storage."""
        self._check(path)
        return super().info(path)

    def list(self, path: str = "") -> Iterator[ObjectInfo]:
        """As of every storage; the first link that leads out of the claim is refused."""
        for entry in super().list(path):
            self._check(entry.path)
            yield entry

    def _check(self, path: str) -> None:
        """Raise RunError DataInvalid unless it is a plain file of the claim; what is not there is told later."""
        real = os.path.realpath(self._folder / path)
        if not real.startswith(f"{self._mount}/"):
            raise RunError(
                Reason.DATA_INVALID,
                f"{self.address(path)} is a link that leads out of the claim: put the file itself there.",
            )
        try:
            mode = os.stat(real).st_mode
        except OSError:
            return
        if not stat.S_ISREG(mode):
            raise RunError(Reason.DATA_INVALID, f"{self.address(path)} is no plain file: leave it out.")
