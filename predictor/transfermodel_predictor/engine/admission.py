"""Who is let into the queue, and who is told to come back, and when."""

import math
from collections.abc import Iterable
from typing import Final

from transfermodel_predictor.configuration import QueueLimits
from transfermodel_predictor.protocol.errors import Overloaded

LONGEST_RETRY_SECONDS: Final = 60


def admit(samples: int, waiting: Iterable[int], seconds_per_sample: float, limits: QueueLimits) -> None:
    """Let a request with so many samples in.

    Requests take turns sample by sample: while this one's samples are answered, each other request has as many turns,
    as long as it has samples.

    Args:
        samples: of the request.
        waiting: of each accepted request, the samples that are not answered yet.
        seconds_per_sample: as measured; a queue of n samples takes n times as long.
        limits: of the queue.

    Raises:
        Overloaded: Too many wait, or it would have to wait too long.
    """
    counts = list(waiting)
    total, ahead = sum(counts), sum(min(count, samples) for count in counts)
    if counts and total + samples > limits.samples:
        raise overloaded(
            f"{total} samples wait already, at most {limits.samples} may",
            (total + samples - limits.samples) * seconds_per_sample,
        )
    wait = ahead * seconds_per_sample
    if wait > limits.seconds:
        raise overloaded(
            f"it would take {wait:.0f} seconds until this request's turn, at most {limits.seconds} are waited",
            wait - limits.seconds,
        )


def overloaded(sentence: str, seconds: float) -> Overloaded:
    """Return the refusal; seconds: until there will be room."""
    retry = max(1, min(LONGEST_RETRY_SECONDS, math.ceil(seconds)))
    return Overloaded(
        f"The model is busy: {sentence}. Ask again in {retry} second{'' if retry == 1 else 's'}, or let more replicas "
        "serve it (spec.serving.maxReplicas).",
        retry,
    )
