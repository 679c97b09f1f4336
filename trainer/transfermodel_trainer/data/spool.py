"""Encoded files, one after the other in one temporary file: memory holds only what is decoded."""

import hashlib
import threading
from pathlib import Path


class Spool:
    """Grows only; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Begin an empty spool in the folder."""
        path = folder / "spool"
        self._file = path.open("w+b")
        path.unlink()  # it stays until the process ends, however that may be
        self._lock = threading.Lock()
        self._spans: list[tuple[int, int]] = []
        self._digests: list[str] = []
        self._end = 0

    def add(self, content: bytes) -> int:
        """Keep the content; return its position."""
        digest = hashlib.sha256(content).hexdigest()
        with self._lock:
            self._file.seek(self._end)
            self._file.write(content)
            self._spans.append((self._end, len(content)))
            self._digests.append(digest)
            self._end += len(content)
            return len(self._spans) - 1

    def read(self, position: int) -> bytes:
        """Return the content at the position."""
        start, length = self._spans[position]
        with self._lock:
            self._file.seek(start)
            return self._file.read(length)

    def digest(self, position: int) -> str:
        """Return the SHA-256 (hex) of the content at the position."""
        return self._digests[position]
