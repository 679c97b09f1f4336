"""L-BFGS (Nocedal 1980; Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5) for a smooth convex loss.

Torch has one, too; but its optimisers import a compiler, which takes four seconds of processor time and is never used.
"""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

MEMORY: Final = 10
"""Steps that the curvature is known by."""
SUFFICIENT: Final = 1e-4
"""Of the decrease that the slope promises (Armijo's rule)."""
SHORTEST: Final = 1e-10
"""Of a step: when not even so little of it is better, there is nothing to gain."""


def minimise(
    loss: Callable[[Tensor], tuple[float, Tensor]], start: Tensor, iterations: int, precision: float
) -> Tensor:
    """Return where a loss is least.

    Args:
        loss: a place (P,) -> its loss and gradient (P,).
        start: (P,) float64.
        iterations: at most.
        precision: of the loss: a step that gains no more ends the search.
    """
    place, (value, gradient) = start, loss(start)
    steps: list[Tensor] = []
    changes: list[Tensor] = []
    for _ in range(iterations):
        direction = -_times_inverse(gradient, steps, changes)
        slope = float(direction @ gradient)
        length = 1.0 if steps else 1.0 / max(1.0, float(gradient.norm()))
        while True:
            there = place + length * direction
            found, steepness = loss(there)
            if found <= value + SUFFICIENT * length * slope:
                break
            length /= 2
            if length < SHORTEST:
                return place
        step, change = there - place, steepness - gradient
        if float(step @ change) > 0:
            steps, changes = [*steps, step][-MEMORY:], [*changes, change][-MEMORY:]
        gained = value - found
        place, value, gradient = there, found, steepness
        if gained <= precision:
            break
    return place


def _times_inverse(gradient: Tensor, steps: list[Tensor], changes: list[Tensor]) -> Tensor:
    """Return the gradient times the inverse of what is known of the curvature: the two-loop recursion."""
    result, shares = gradient.clone(), []
    for step, change in zip(reversed(steps), reversed(changes), strict=True):
        share = float(step @ result) / float(step @ change)
        shares.append(share)
        result -= share * change
    if steps:
        result *= float(steps[-1] @ changes[-1]) / float(changes[-1] @ changes[-1])
    for step, change, share in zip(steps, changes, reversed(shares), strict=True):
        result += (share - float(change @ result) / float(step @ change)) * step
    return torch.as_tensor(result)
