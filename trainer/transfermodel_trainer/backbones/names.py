"""Names that somebody may have meant."""

import difflib
from collections.abc import Sequence

MOST = 6


def nearest(library: str, name: str, known: Sequence[str]) -> str:
    """Return the nearest of the known names, for a sentence."""
    close = difflib.get_close_matches(name, known, n=4, cutoff=0.5)
    # difflib scores a mistyped number no higher than another family: the same letters count first.
    letters = name.rstrip("0123456789_")
    found = list(dict.fromkeys([*(n for n in known if letters and n.startswith(letters)), *close]))[:MOST]
    if not found:
        return f"see {library}'s list"
    return f"the nearest names are {', '.join(f'{library}/{n}' for n in found)}"
