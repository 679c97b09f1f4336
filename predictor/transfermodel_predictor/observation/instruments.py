"""Counters, gauges and histograms that cost nothing to import; `exposition` makes them Prometheus families.

A pod that wakes has no time for what nobody reads before it is ready.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

Labels = tuple[str, ...]


class Amounts:
    """A figure for each combination of the labels' values."""

    def __init__(self, name: str, documentation: str, labels: Labels = ()) -> None:
        """Begin at zero; what has no labels is there from the start."""
        self.name, self.documentation, self.labels = name, documentation, labels
        self._lock = Lock()
        self._values: dict[Labels, float] = {} if labels else {(): 0.0}

    def read(self) -> dict[Labels, float]:
        """Return what it is now, by the labels' values."""
        with self._lock:
            return dict(self._values)

    def _add(self, amount: float, values: Labels) -> None:
        with self._lock:
            self._values[values] = self._values.get(values, 0.0) + amount


class Counter(Amounts):
    """A sum that only grows; its name ends with _total."""

    def add(self, *values: str, amount: float = 1.0) -> None:
        """Count; values: of the labels, in their order."""
        self._add(amount, values)


class Gauge(Amounts):
    """A figure that goes up and down."""

    def set(self, amount: float, *values: str) -> None:
        """Be this; values: of the labels, in their order."""
        with self._lock:
            self._values[values] = amount

    def add(self, amount: float, *values: str) -> None:
        """Be this much more, or less."""
        self._add(amount, values)

    @contextmanager
    def track_inprogress(self) -> Iterator[None]:
        """Be one more as long as the block runs."""
        self.add(1)
        try:
            yield
        finally:
            self.add(-1)


class Distribution:
    """What a histogram saw."""

    __slots__ = ("counts", "sum")

    def __init__(self, counts: list[int], total: float = 0.0) -> None:
        """Take observations by bucket, the last for those above all bounds, not cumulative; and their sum."""
        self.counts, self.sum = counts, total


class Histogram:
    """Observations by size, for each combination of its labels' values."""

    def __init__(self, name: str, documentation: str, bounds: Sequence[float], labels: Labels = ()) -> None:
        """Begin at zero.

        Args:
            name: with the unit at its end.
            documentation: what is observed.
            bounds: upper ones of the buckets, included, ascending; what is above the last has a bucket of its own.
            labels: their names.
        """
        self.name, self.documentation, self.bounds, self.labels = name, documentation, bounds, labels
        self._lock = Lock()
        self._values: dict[Labels, Distribution] = {}

    def observe(self, amount: float, *values: str) -> None:
        """Take one observation; values: of the labels, in their order."""
        index = bisect_left(self.bounds, amount)
        with self._lock:
            seen = self._values.get(values)
            if seen is None:
                seen = self._values[values] = Distribution([0] * (len(self.bounds) + 1))
            seen.counts[index] += 1
            seen.sum += amount

    def read(self) -> dict[Labels, Distribution]:
        """Return what was seen so far, by the labels' values."""
        with self._lock:
            return {labels: Distribution(list(seen.counts), seen.sum) for labels, seen in self._values.items()}


Instrument = Counter | Gauge | Histogram
