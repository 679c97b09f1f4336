"""Drawings in a terminal: one character is two pixels high."""

import numpy as np
from rich.console import Group
from rich.style import Style
from rich.text import Text

from examples.digits import dataset

SHADES = " ░▒▓█"
SCALE = 2
"""Pixels of the drawing per pixel of the terminal."""


def picture(file: bytes, *, colour: bool) -> Group:
    """Return a PNG's drawing, 16 characters wide and 8 lines high; without colours in five shades."""
    drawing = dataset.pixels(file).astype(float)
    height, width = drawing.shape
    small = drawing.reshape(height // SCALE, SCALE, width // SCALE, SCALE).mean((1, 3))
    lines = []
    for upper, lower in zip(small[0::2], small[1::2], strict=True):
        line = Text()
        for above, below in zip(upper, lower, strict=True):
            if colour:
                line.append("▀", Style(color=_grey(above), bgcolor=_grey(below)))
            else:
                line.append(SHADES[round(float(np.mean([above, below])) / 255 * (len(SHADES) - 1))])
        lines.append(line)
    return Group(*lines)


def _grey(value: float) -> str:
    return f"rgb({value:.0f},{value:.0f},{value:.0f})"
