"""Numbers and names as people read them. Class and file names are the user's: they may hold anything."""

import unicodedata

from markupsafe import Markup, escape

from transfermodel_trainer.evaluation.summary import Evaluated

LONGEST_NAME = 48
UNSHOWN = {"Cc", "Cs"}
"""Unicode categories of control characters and lone surrogates: no page may hold them."""
DIRECTIONS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They would turn around the text that follows, such as the ending of a file's name."""


def plain(text: str) -> str:
    """Return the text with U+FFFD for what no page can or should show."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if character in DIRECTIONS or unicodedata.category(character) in UNSHOWN
        else character
        for character in text
    )


def shortened(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the text with its middle left out where it is too long: folders begin alike, and files end alike."""
    text = plain(text)
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[-(longest - 1 - head) :]}"


def name(text: str, longest: int = LONGEST_NAME) -> Markup:
    """Return a name of the user's as HTML that keeps its own direction of writing."""
    return Markup("<bdi>") + escape(shortened(text, longest)) + Markup("</bdi>")


def excerpt(text: str, longest: int) -> Markup:
    """Return the beginning of a text of the user's as HTML that keeps its own direction of writing."""
    words = plain(" ".join(text.split()))
    shown = words if len(words) <= longest else f"{words[: longest - 1].rstrip()}…"
    return Markup("<bdi>") + escape(shown) + Markup("</bdi>")


def percent(share: float, digits: int = 1) -> str:
    """Return 0.9722 as "97.2 %" with a space that does not break."""
    return f"{share * 100:.{digits}f}\N{NO-BREAK SPACE}%"


def points(difference: float) -> str:
    """Return 0.0123 as "1.2 points": a difference of two percentages is no percentage."""
    return f"{difference * 100:.1f}\N{NO-BREAK SPACE}points"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return "1 image", "2 images"."""
    return f"{count:,}\N{NO-BREAK SPACE}{one if count == 1 else many or one + 's'}"


def split_name(evaluated: Evaluated) -> str:
    """Return how a split is called in sentences."""
    return {
        "test": "test set",
        "validation": "validation set",
        "leave-one-out": "training samples, each left out in turn",
    }[evaluated.split]
