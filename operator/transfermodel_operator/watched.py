"""What the watch streams have delivered, held against what a list shows: a stream that died is found out."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

UNDELIVERED_SECONDS: Final = 15.0
"""How long a listed change may be missing from its watch before the watch counts as dead.

The list comes every minute, so a dead stream is replaced within 75 s, and what changed is worked on within 60 s: the
list itself wakes every key.
"""


class Watched:
    """Per kind, the newest resourceVersion of each object that the watch delivered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._delivered: dict[str, dict[str, str]] = {}
        self._missing: dict[str, dict[str, tuple[str, float]]] = {}

    def delivered(self, kind: str, event_type: str | None, item: Any) -> None:
        """Record one event of a watch (type None: from its initial list)."""
        metadata = item.get("metadata") or {}
        uid, version = str(metadata.get("uid")), str(metadata.get("resourceVersion"))
        seen = self._delivered.setdefault(kind, {})
        missing = self._missing.setdefault(kind, {})
        if event_type == "DELETED":
            seen.pop(uid, None)
            missing.pop(uid, None)
            return
        seen[uid] = version
        if uid in missing and not newer(missing[uid][0], version):
            del missing[uid]

    def listed(self, kind: str, items: Iterable[Any]) -> None:
        """Record what a live list showed: whatever the watch has not delivered is missing from now on."""
        seen = self._delivered.setdefault(kind, {})
        missing = self._missing.setdefault(kind, {})
        present: set[str] = set()
        for item in items:
            metadata = item.get("metadata") or {}
            uid, version = str(metadata.get("uid")), str(metadata.get("resourceVersion"))
            present.add(uid)
            if uid in seen and not newer(version, seen[uid]):
                missing.pop(uid, None)
            elif uid not in missing:
                missing[uid] = (version, self._clock())
        for uid in seen.keys() - present:
            del seen[uid]
        for uid in missing.keys() - present:
            del missing[uid]

    def overdue(self) -> str | None:
        """Return the kind of a watch that failed to deliver in time, or None."""
        now = self._clock()
        for kind, missing in self._missing.items():
            if any(now - since > UNDELIVERED_SECONDS for _, since in missing.values()):
                return kind
        return None

    def restart(self) -> None:
        """Forget everything: the streams begin anew and deliver all of it again."""
        self._delivered.clear()
        self._missing.clear()


def newer(one: str, other: str) -> bool:
    """Tell whether resourceVersion `one` is newer than `other`; versions that cannot be compared must be equal."""
    if one.isdigit() and other.isdigit():
        return int(one) > int(other)
    return one != other
