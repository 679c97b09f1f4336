"""Commands that a page shows: what they name exists. Nothing is run."""

import importlib.util
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from scripts.documentation import kubectl, named, program, shell

CHECKED_IN_TEXT = ("make ", "transfermodel ", "kubectl ", "scripts/")
"""What code within a sentence must begin with to be taken for a command."""

Words = list[str]


def wrong(command: str, root: Path, *, complete: bool = True) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with a line.

    Args:
        command: the line without its prompt.
        root: the repository.
        complete: whether it can be run as it is; within a sentence arguments are often left out.
    """
    yield from named.missing(command, root)
    try:
        called = list(shell.calls(command))
    except ValueError as error:
        yield f"the shell cannot read this ({error}): {command}"
        return
    for words in called:
        name = Path(words[0]).name
        if words[:2] == ["kubectl", "transfermodel"]:
            name, words = "transfermodel", words[1:]
        if check := _CHECKS.get(name):
            yield from check(words[1:], root, complete)


def _transfermodel(words: Words, root: Path, complete: bool) -> Iterator[str]:
    yield from program.wrong(words, complete=complete)


def _kubectl(words: Words, root: Path, complete: bool) -> Iterator[str]:
    yield from kubectl.wrong(words)


def _make(words: Words, root: Path, complete: bool) -> Iterator[str]:
    targets = _targets(root)
    for word in words:
        if "=" not in word and not word.startswith("-") and word not in targets:
            yield f"the Makefile has no target {word}; it has {', '.join(sorted(targets))}"


def _helm(words: Words, root: Path, complete: bool) -> Iterator[str]:
    if not any(word.rstrip("/").endswith("charts/transfermodel") for word in words):
        return
    for option, value in pairwise(words):
        if option in ("--set", "--set-string", "--set-json"):
            for setting in re.split(r"(?<!\\),", value):
                key = setting.partition("=")[0]
                if not _has_value(_values(root), re.split(r"(?<!\\)\.", key)):
                    yield f"charts/transfermodel/values.yaml has no {key}"


def _python(words: Words, root: Path, complete: bool) -> Iterator[str]:
    if len(words) < 2 or words[0] != "-m":
        return
    module = words[1]
    if module.partition(".")[0] in ("venv", "pip", "http") or _module_exists(module):
        return
    yield f"there is no Python module {module}"


def _pip(words: Words, root: Path, complete: bool) -> Iterator[str]:
    if words and words[0] not in ("install", "uninstall", "list", "show", "wheel", "check"):
        yield f"pip has no command {words[0]}"


_CHECKS: dict[str, Callable[[Words, Path, bool], Iterator[str]]] = {
    "transfermodel": _transfermodel,
    "kubectl-transfermodel": _transfermodel,
    "kubectl": _kubectl,
    "make": _make,
    "helm": _helm,
    "python": _python,
    "python3": _python,
    "pip": _pip,
}


@cache
def _targets(root: Path) -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z0-9-]+):(?!=)", (root / "Makefile").read_text(), re.MULTILINE))


@cache
def _values(root: Path) -> Any:
    return yaml.safe_load((root / "charts/transfermodel/values.yaml").read_text())


def _has_value(node: Any, names: list[str]) -> bool:
    """Tell whether a key is there; below what is empty by default ({} or []) a user may write what he likes."""
    for name in names:
        plain = re.sub(r"\[\d+\]$", "", name)
        if not isinstance(node, dict):
            return False
        if node == {}:
            return True
        if plain not in node:
            return False
        node = node[plain]
        if plain != name:
            return isinstance(node, list)
    return True


def _module_exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
