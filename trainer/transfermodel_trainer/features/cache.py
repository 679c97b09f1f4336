"""The feature cache of a namespace: packs below `.features/<key>/<view>/`.

Nothing here ends a run: what cannot be read is computed again; storage that is full or refuses is said once, and the
run goes on without. Packs are immutable and named by their content, so runs that work at the same time never spoil
each other's: at worst both compute the same.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import torch
from torch import Tensor
from transfermodel_predictor.artifact.errors import StorageError, StorageNotFound
from transfermodel_predictor.artifact.storage import ObjectInfo, Storage

from transfermodel_trainer.features.packs import (
    MOST_ROWS,
    START_BYTES,
    DamagedPack,
    digests_at,
    name_of,
    pack,
    unpack,
)

FOLDER: Final = ".features"
"""No TransferModel can be called so."""
MOST_BYTES: Final = 4 << 30
"""Of a namespace: a million samples of 1,000 features."""
TOUCHED_AFTER: Final = timedelta(days=1)
"""A pack that is used is written again after so long, so that its age says when it was used last."""
MOST_SMALL: Final = 16
"""More packs than this that are less than half full are made into full ones."""


class FeatureCache:
    """What is known of the features that one trunk computes from one preprocessing."""

    def __init__(
        self,
        storage: Storage,
        key: str,
        say: Callable[[str], None],
        *,
        interval_seconds: float = 60.0,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Take the namespace's storage; nothing is asked of it yet.

        Args:
            storage: of the namespace.
            key: hex, of all that decides about features beside the sample and the view.
            say: prints a line for people.
            interval_seconds: at most so much computing is lost with the process.
            most_bytes: of all packs of the namespace.
        """
        self._storage, self._key, self._say = storage, key, say
        self._interval, self._most_bytes = interval_seconds, most_bytes
        self._objects: dict[str, ObjectInfo] | None = None
        self._used: set[str] = set()
        self._small: dict[str, list[str]] = {}
        self._fresh: list[tuple[list[str], Tensor]] = []
        self._written_at = time.monotonic()
        self._given_up = False

    def fill(self, view: str, digests: list[str], features: Tensor) -> Tensor:
        """Copy what is known into the rows of features (N, D); return which rows that are, (N,) bool."""
        rows: dict[str, list[int]] = {}
        for row, digest in enumerate(digests):
            rows.setdefault(digest, []).append(row)
        known = torch.zeros(len(digests), dtype=torch.bool)
        self._small, self._written_at = {}, time.monotonic()
        with self._tolerating():
            for path in self._packs(view):
                if rows:
                    self._fill_from(path, rows, features, known)
        if known.any():
            self._say(f"The features of {int(known.sum())} of {len(digests)} samples ({view}) were computed before.")
        return known

    def add(self, view: str, digests: list[str], features: Tensor) -> None:
        """Keep new features (N, D), now or with the next."""
        if self._given_up:
            return
        self._fresh.append((digests, features))
        count = sum(len(part) for part, _ in self._fresh)
        if count >= MOST_ROWS or time.monotonic() - self._written_at >= self._interval:
            self.flush(view)

    def flush(self, view: str) -> None:
        """Write what was added."""
        digests = [digest for part, _ in self._fresh for digest in part]
        if digests:
            features = torch.cat([part for _, part in self._fresh])
            for start in range(0, len(digests), MOST_ROWS):
                self._write(view, digests[start : start + MOST_ROWS], features[start : start + MOST_ROWS])
        self._fresh, self._written_at = [], time.monotonic()

    def tidy(self, view: str, digests: list[str], features: Tensor) -> None:
        """Make full packs of many small ones, with those of their samples that this run has: features (N, D)."""
        if self._given_up or len(self._small) <= MOST_SMALL:
            return
        rows = {digest: row for row, digest in enumerate(digests)}
        names = sorted({digest for part in self._small.values() for digest in part} & rows.keys())
        for start in range(0, len(names), MOST_ROWS):
            part = names[start : start + MOST_ROWS]
            self._write(view, part, features[[rows[digest] for digest in part]])
        with self._tolerating():
            for path in [] if self._given_up else list(self._small):
                self._remove(path)

    def _fill_from(self, path: str, rows: dict[str, list[int]], features: Tensor, known: Tensor) -> None:
        """Take from one pack what is still wanted, and remove it from what is wanted."""
        try:
            if not any(digest in rows for digest in digests_at(self._storage.get_start(path, START_BYTES))):
                return
            content = self._storage.get(path)
            digests, found = unpack(path.rpartition("/")[2], content, features.shape[1])
        except StorageNotFound:  # another run removed it meanwhile
            return
        except DamagedPack:
            self._say(f"Features in {self._storage.address(path)} are damaged: they are removed and computed again.")
            self._remove(path)
            return
        pairs = [(row, index) for index, digest in enumerate(digests) for row in rows.pop(digest, ())]
        targets, sources = [row for row, _ in pairs], [index for _, index in pairs]
        features[targets] = found[sources]
        known[targets] = True
        self._used.add(path)
        if len(digests) < MOST_ROWS // 2:
            self._small[path] = digests
        if datetime.now(UTC) - self._listed()[path].modified > TOUCHED_AFTER:
            self._storage.put(path, content)

    def _packs(self, view: str) -> list[str]:
        folder = f"{FOLDER}/{self._key}/{view}/"
        return sorted(path for path in self._listed() if path.startswith(folder))

    def _listed(self) -> dict[str, ObjectInfo]:
        """Return every pack of the namespace as it was when this run began, and what this run did since."""
        if self._objects is None:
            self._objects = {entry.path: entry for entry in self._storage.list(FOLDER)}
        return self._objects

    def _write(self, view: str, digests: list[str], features: Tensor) -> None:
        content = pack(digests, features)
        path = f"{FOLDER}/{self._key}/{view}/{name_of(content)}"
        with self._tolerating():
            if not self._given_up and self._make_room(len(content)):
                self._storage.put(path, content)
                self._listed()[path] = ObjectInfo(path, len(content), None, datetime.now(UTC))
                self._used.add(path)

    def _make_room(self, size: int) -> bool:
        """Remove what was used least recently until there is room; tell whether there is."""
        listed = self._listed()
        total = size + sum(entry.size for entry in listed.values())
        for entry in sorted(listed.values(), key=lambda entry: entry.modified):
            if total <= self._most_bytes:
                break
            if entry.path not in self._used:
                total -= entry.size
                self._remove(entry.path)
        if total > self._most_bytes:
            self._give_up(f"they would take more than {self._most_bytes >> 20} MiB")
        return total <= self._most_bytes

    def _remove(self, path: str) -> None:
        self._listed().pop(path, None)
        self._used.discard(path)
        self._storage.delete(path)

    @contextmanager
    def _tolerating(self) -> Iterator[None]:
        """Go on without the cache when storage fails."""
        try:
            yield
        except StorageError as error:
            self._give_up(str(error).rstrip("."))

    def _give_up(self, why: str) -> None:
        if not self._given_up:
            self._say(
                f"Warning: features are no longer kept in {self._storage.address(FOLDER)} ({why}): the run goes on, "
                "but the next one will compute them again."
            )
        self._given_up, self._fresh = True, []
