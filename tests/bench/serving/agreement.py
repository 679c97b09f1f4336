"""Whether both sides compute the same: else it would be no comparison."""

import json
import math
from collections.abc import Mapping
from itertools import combinations
from typing import Final

TOLERANCE: Final = 0.05
"""Of differences of logits; with random weights they are of the order of 1."""


def disagreement(answers: Mapping[str, bytes]) -> float:
    """Return the largest difference between the sides' logits, each relative to the highest.

    Args:
        answers: bodies of answers of version 1 by side, each of one image: probabilities by label, or the
            highest logits.

    Raises:
        RuntimeError: they are too far apart.
    """
    found = {side: logits(answer) for side, answer in answers.items()}
    worst = 0.0
    for (one, first), (other, second) in combinations(found.items(), 2):
        count = min(len(first), len(second))
        difference = max(abs(a - b) for a, b in zip(first[:count], second[:count], strict=True))
        if not difference <= TOLERANCE:
            raise RuntimeError(
                f"{one} and {other} do not compute the same: their logits differ by {difference:.3g}, and at most "
                f"{TOLERANCE:g} is allowed. Nothing was measured."
            )
        worst = max(worst, difference)
    return worst


def logits(answer: bytes) -> list[float]:
    """Return the logits of an answer, highest first, less the highest: what probabilities tell of them."""
    predictions = json.loads(answer)["predictions"]
    if isinstance(predictions[0], dict):
        values = [math.log(max(share, 1e-12)) for share in predictions[0]["probabilities"].values()]
    else:
        values = list(predictions)
    values.sort(reverse=True)
    return [value - values[0] for value in values]
