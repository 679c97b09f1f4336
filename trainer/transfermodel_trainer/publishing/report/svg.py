"""The little SVG that the charts need: elements, and axes with round numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from transfermodel_trainer.publishing.report.text import plain

NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
LEAST_RANGE = 0.9
MOST_DECADES = 6
MOST_TICKS = 12
NEAREST_TICKS = 0.12
"""Of an axis: texts that are nearer touch each other."""


def element(tag: str, *children: Markup | str, **attributes: str | float) -> Markup:
    """Return one element; a name like stroke_dasharray or class_ becomes stroke-dasharray or class.

    Children and values are escaped, unless they are markup already.
    """
    parts = [Markup("<{}").format(tag)]
    for key, value in attributes.items():
        text = number(value) if isinstance(value, float) else str(value)
        parts.append(Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), text))
    if not children:
        return Markup("").join([*parts, Markup("/>")])
    inner = (child if isinstance(child, Markup) else escape(plain(child)) for child in children)
    return Markup("").join([*parts, Markup(">"), *inner, Markup("</{}>").format(tag)])


def number(value: float) -> str:
    """Return a coordinate with at most one decimal: less than anybody can see."""
    return f"{value:.1f}".removesuffix(".0")


@dataclass(frozen=True)
class Axis:
    """One axis: where its values lie on the drawing, and its ticks."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    """(value, text), ascending."""
    label: str
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies, from 0 (low) to 1 (high)."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low) if high > low else 0.5


def linear_axis(low: float, high: float, label: str, *, percent: bool = False, count: int = 4) -> Axis:
    """Return an axis over at least low..high whose ends and ticks are round numbers."""
    if high <= low:
        high = low + 1
    rough = (high - low) / count
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * scale for nice in NICE_STEPS if nice * scale >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    values = [index * step for index in range(first, last + 1)]
    return Axis(values[0], values[-1], tuple((value, _tick(value, step, percent)) for value in values), label)


def accuracy_axis(lowest: float) -> Axis:
    """Return an axis from some round percentage to 100 %, never so short that a small difference looks large."""
    return linear_axis(min(lowest, LEAST_RANGE), 1, "", percent=True)


def _tick(value: float, step: float, percent: bool) -> str:
    if percent:
        value, step = value * 100, step * 100
    if step and (step < 1e-3 or step >= 1e5):
        return scientific(value)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{value:.{decimals + 1}f}" if round(step, decimals) != step else f"{value:.{decimals}f}"
    return f"{text}\N{NO-BREAK SPACE}%" if percent else text


def scientific(value: float) -> str:
    """Return 0.00025 as "2.5e-4"."""
    if not value:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def decade_axis(low: float, high: float, label: str) -> Axis:
    """Return a logarithmic axis over at least low..high, both positive, from one power of ten to another."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    values = [10.0**exponent for exponent in range(first, last + 1)]
    step = -(-len(values) // MOST_DECADES)
    ticks = [(value, f"{value:,.10g}" if 1e-3 <= value < 1e5 else scientific(value)) for value in values[::step]]
    return Axis(values[0], values[-1], tuple(ticks), label, logarithmic=True)


def count_axis(values: Sequence[int], label: str, *, logarithmic: bool = False) -> Axis:
    """Return an axis whose ticks are some of the values themselves, such as epochs or numbers of samples."""
    low, high = min(values), max(values)
    axis = Axis(low, high, (), label, logarithmic)
    if not logarithmic and len(values) > MOST_TICKS:
        rounded = linear_axis(low, high, label).ticks
        values = [low, *(round(value) for value, _ in rounded if low < value < high), high]
    ticks: list[tuple[float, str]] = []
    taken = -1.0
    for value in sorted(set(values)):
        # The last value is always named: whatever comes too near to it is not.
        share = axis.share(value)
        if value in (low, high) or min(share - taken, 1 - share) >= NEAREST_TICKS:
            ticks.append((value, f"{value:,}"))
            taken = share
    return Axis(low, high, tuple(ticks), label, logarithmic)
