"""Files and extras of the repository that a page names."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FOLDERS = (
    "charts",
    "cli",
    "devcluster",
    "docs",
    "examples",
    "manifests",
    "operator",
    "predictor",
    "requirements",
    "scripts",
    "tests",
    "trainer",
)
# A name in one of the repository's folders, not a part of a longer path or of a URL.
_PATH = re.compile(rf"(?<![\w/.:@-])(?:\./)?((?:{'|'.join(_FOLDERS)})/[\w./*{{}},-]*)")
_EXTRAS = re.compile(r"\btransfermodel\[([\w,-]+)\]")


def missing(text: str, root: Path) -> Iterator[str]:
    """Yield a sentence for each file or extra that is named and does not exist."""
    for match in _PATH.finditer(text):
        # What ends a sentence is no part of a path.
        for name in _expanded(match[1].rstrip(".,")):
            if not any(root.glob(name.rstrip("/"))):
                yield f"there is no {name} in the repository"
    for match in _EXTRAS.finditer(text):
        for extra in match[1].split(","):
            if extra not in _extras(root):
                yield f"there is no extra {extra}; pyproject.toml has {', '.join(sorted(_extras(root)))}"


def _expanded(name: str) -> Iterator[str]:
    """Yield what a shell makes of braces: a/{b,c} names a/b and a/c."""
    match = re.search(r"\{([^{}]*)\}", name)
    if match is None:
        yield name
        return
    for part in match[1].split(","):
        yield from _expanded(name[: match.start()] + part + name[match.end() :])


@cache
def _extras(root: Path) -> frozenset[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return frozenset(project["optional-dependencies"])
