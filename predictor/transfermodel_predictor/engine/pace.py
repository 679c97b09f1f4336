"""How long the work takes, measured as it is done: it decides about batches, and about who is told to come back."""

from typing import Final

BATCH_SECONDS: Final = 0.025
"""A batch takes no longer: who arrives meanwhile hardly notices. Networks that take as long for one sample would gain
nothing from batches, only take more memory (docs/decisions/batching.md)."""
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
    """What samples cost, in seconds; its caller holds a lock.

    How fast a queue drains is told by the clock. How large batches are is told by the time of a processor that the
    threads took, or neighbours on the node would make batches smaller just when they are needed.
    """

    def __init__(self, workers: int, largest_batch: int) -> None:
        """Know nothing yet.

        Args:
            workers: that work at the same time.
            largest_batch: samples, at most.
        """
        self._workers, self._largest_batch = workers, largest_batch
        self._decode, self._infer = Average(), Average()
        self._decode_work, self._unit_work = Average(), Average()

    def decoded(self, seconds: float, work: float) -> None:
        """Take the time that a worker took for one sample, preprocessing included: by the clock, of a processor."""
        self._decode.observe(seconds)
        self._decode_work.observe(work)

    def inferred(self, seconds: float, work: float, samples: int, longest: int) -> None:
        """Take the time that the network took for a batch; longest: the length to which its rows were padded."""
        self._infer.observe(seconds / samples)
        self._unit_work.observe(work / (samples * longest))

    def batch_limit(self, longest: int) -> int:
        """Return how many rows padded to this length go to the network at once; 1 until one was timed."""
        unit = self._unit_work.value
        return 1 if unit is None else max(1, min(self._largest_batch, int(BATCH_SECONDS / max(unit * longest, 1e-9))))

    def gathered(self, longest: int) -> int:
        """Return how many rows, of this length, are gathered at most before the network sees them: a batch.

        While samples wait, decoding the next one may make a better batch, but must not delay the first ones for long.
        """
        decode = self._decode_work.value
        quickly = self._largest_batch if decode is None else int(BATCH_SECONDS / max(decode, 1e-9))
        return max(1, min(quickly, self.batch_limit(longest)))

    @property
    def seconds_per_sample(self) -> float:
        """Of all workers together: its reciprocal is how fast a queue drains; 0 before anything was seen."""
        return ((self._decode.value or 0.0) + (self._infer.value or 0.0)) / self._workers
