"""How long the work takes, measured as it is done: it decides about batches, and about who is told to come back."""

from typing import Final

BATCH_SECONDS: Final = 0.025
"""A batch takes no longer: then one that arrives meanwhile hardly notices, and large networks need no more memory."""
WEIGHT: Final = 0.1
"""Of the newest observation."""


class Average:
    """A moving average; None before the first observation."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.value: float | None = None

    def observe(self, amount: float) -> None:
        """Take one observation."""
        self.value = amount if self.value is None else self.value + WEIGHT * (amount - self.value)


class Pace:
    """What samples cost, in seconds; its caller holds a lock."""

    def __init__(self, workers: int, largest_batch: int) -> None:
        """Know nothing yet.

        Args:
            workers: that work at the same time.
            largest_batch: samples, at most.
        """
        self._workers, self._largest_batch = workers, largest_batch
        self._decode, self._infer, self._unit = Average(), Average(), Average()

    def decoded(self, seconds: float) -> None:
        """Take the time that a worker took for one sample, preprocessing included."""
        self._decode.observe(seconds)

    def inferred(self, seconds: float, samples: int, longest: int) -> None:
        """Take the time that the network took for a batch; longest: the length to which its rows were padded."""
        self._infer.observe(seconds / samples)
        self._unit.observe(seconds / (samples * longest))

    def batch_limit(self, longest: int) -> int:
        """Return how many rows padded to this length go to the network at once; 1 until one was timed."""
        if self._unit.value is None:
            return 1
        return max(1, min(self._largest_batch, int(BATCH_SECONDS / max(self._unit.value * longest, 1e-9))))

    def gathered(self, longest: int) -> int:
        """Return how many rows, of this length, are gathered at most before the network sees them: a batch.

        While samples wait, decoding the next one may make a better batch, but must not delay the first ones for long.
        """
        decode = self._decode.value
        quickly = self._largest_batch if decode is None else int(BATCH_SECONDS / max(decode, 1e-9))
        return max(1, min(quickly, self.batch_limit(longest)))

    @property
    def seconds_per_sample(self) -> float:
        """Of all workers together: its reciprocal is how fast a queue drains; 0 before anything was seen."""
        return ((self._decode.value or 0.0) + (self._infer.value or 0.0)) / self._workers
