"""The rows of one long computation, kept a few seconds' worth at a time."""

import time

import torch
from torch import Tensor

from transfermodel_trainer.checkpoints import Checkpoints

CHUNK_SECONDS = 2.0
"""How much is lost at most, and how seldom something is written."""


class Rows:
    """Grows in order, after those rows that an interrupted run had computed."""

    def __init__(self, checkpoints: Checkpoints | None = None, name: str = "", total: int = 0) -> None:
        """Load what is there.

        Args:
            checkpoints: where to keep the rows; None: nowhere.
            name: of the rows, for files and sentences.
            total: how many there will be, for sentences.
        """
        self._checkpoints, self._name = checkpoints, name
        self._parts: list[Tensor] = []
        self._fresh: list[Tensor] = []
        self.count = self._chunks = 0
        self._kept_at = time.monotonic()
        if checkpoints is None:
            return
        # A chunk that does not begin where the one before it ends is of an earlier row of chunks that had a gap.
        while (saved := checkpoints.load(self._chunk())) is not None and saved.facts["first"] == self.count:
            self._append(saved.tensors["rows"])
            self._chunks += 1
        if self.count:
            checkpoints.progress.say(f"Resuming after {self.count} of {total} images of {name}.")

    def add(self, part: Tensor) -> None:
        """Append rows (N, …)."""
        self._append(part)
        if self._checkpoints is None:
            return
        self._fresh.append(part)
        if time.monotonic() - self._kept_at >= CHUNK_SECONDS:
            self._keep(self._checkpoints)

    def all(self) -> Tensor:
        """Return all rows."""
        return torch.cat(self._parts)

    def _append(self, part: Tensor) -> None:
        self._parts.append(part)
        self.count += len(part)

    def _keep(self, checkpoints: Checkpoints) -> None:
        rows = torch.cat(self._fresh)
        if checkpoints.save(self._chunk(), {"rows": rows}, {"first": self.count - len(rows)}):
            self._fresh, self._chunks = [], self._chunks + 1
        self._kept_at = time.monotonic()

    def _chunk(self) -> str:
        return f"{self._name} {self._chunks:05}"
