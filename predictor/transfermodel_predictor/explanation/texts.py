"""Texts: words are left out.

Li, Monroe and Jurafsky: Understanding Neural Networks through Representation Erasure, 2016 (arXiv:1612.08220).
"""

import re
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from transfermodel_predictor.artifact.description import TextPreprocessing
from transfermodel_predictor.protocol.errors import RequestInvalid
from transfermodel_predictor.protocol.sources import DecodedSample

WITHOUT_SPACES: Final = "\u0e00-\u0eff\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Scripts that are written without spaces between words: each of their characters counts as one."""
WORD: Final = re.compile(rf"[{WITHOUT_SPACES}]|[^\s{WITHOUT_SPACES}]+")


class TextView:
    """Its first words: as many as the model can read, if each were one token."""

    def __init__(self, place: str, text: str, preprocessing: TextPreprocessing, grid: int) -> None:
        """Cut it into at most `grid` pieces; place: where in the request it is.

        Raises:
            RequestInvalid: It has one word alone: nothing would be left.
        """
        words = [match.span() for match in islice(WORD.finditer(text), preprocessing.max_tokens)]
        if len(words) < 2:
            raise RequestInvalid(
                f"{place} has {len(words)} word: an explanation leaves words out, and needs two or more."
            )
        pieces = np.array_split(np.asarray(words), min(grid, len(words)))
        self.text = text
        self.spans = [(int(piece[0, 0]), int(piece[-1, 1])) for piece in pieces]
        self.cells = len(self.spans)

    def whole(self) -> DecodedSample:
        """Return the text."""
        return DecodedSample(lambda: self.text)

    def without(self, cell: int) -> DecodedSample:
        """Return it without one piece."""
        start, end = self.spans[cell]
        return DecodedSample(lambda: self.text[:start] + self.text[end:])

    def told(self, saliency: NDArray[np.float64], *, overlay: bool) -> dict[str, Any]:
        """Return the pieces, and how much each counts; start and end in characters."""
        return {
            "grid": [self.cells],
            "saliency": saliency.tolist(),
            "pieces": [{"text": self.text[start:end], "start": start, "end": end} for start, end in self.spans],
        }
