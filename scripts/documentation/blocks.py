"""Fenced blocks: shell, YAML, JSON and Python that a reader will copy."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import transfermodel
import yaml
from transfermodel.documents.check import check_text
from transfermodel.documents.types import Target
from transfermodel_operator.api import KIND

from scripts.documentation import commands, named, shell
from scripts.documentation.pages import Block

_LANGUAGES = ("", "console", "text", "yaml", "json", "python", "mermaid", "toml", "dockerfile", "makefile")
_DIAGRAMS = ("flowchart", "sequenceDiagram", "stateDiagram-v2", "classDiagram")


def wrong(block: Block, root: Path) -> Iterator[tuple[int, str]]:
    """Yield (line of the page, sentence) for everything that is wrong in a block."""
    if block.language not in _LANGUAGES:
        yield block.line, f"a block of the language {block.language!r}; use console for shell, text for other output"
    elif block.language == "console":
        yield from _console(block, root)
    elif block.language == "yaml":
        yield from _yaml(block.text, block.line)
    elif block.language == "json":
        yield from _json(block)
    elif block.language == "python":
        yield from _python(block)
    elif block.language == "mermaid":
        yield from _mermaid(block)
    elif block.language == "makefile":
        for message in named.missing(block.text, root):
            yield block.line, message


def _console(block: Block, root: Path) -> Iterator[tuple[int, str]]:
    if not any(True for _ in shell.console_lines(block.text)):
        yield block.line, "a console block without a command: begin commands with '$ ', or call it text"
    for number, command, body in shell.console_lines(block.text):
        line = block.line + 1 + number
        for message in commands.wrong(command, root):
            yield line, message
        if f"kind: {KIND}" in body:
            yield from _yaml(body, line)


def _yaml(text: str, line: int) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with YAML that begins on the line after this one; whole TransferModels must be valid."""
    before = 0
    for part in re.split(r"(?m)^---.*\n", text):
        try:
            document = yaml.safe_load(part)
        except yaml.YAMLError as error:
            yield line, f"this is not YAML: {' '.join(str(error).split())}"
            return
        if isinstance(document, dict) and document.get("kind") == KIND:
            # Paths of a laptop are no error: most pages are about both.
            for finding in check_text(part, Path("example.yaml"), Target.LOCAL).findings:
                where = f"{finding.path}: " if finding.path else ""
                yield line + before + (finding.line or 1), f"{where}{finding.message}"
        before += part.count("\n") + 1


def _json(block: Block) -> Iterator[tuple[int, str]]:
    try:
        json.loads(block.text)
    except ValueError as error:
        yield block.line, f"this is not JSON: {error}"


def _python(block: Block) -> Iterator[tuple[int, str]]:
    try:
        tree = ast.parse(block.text)
    except SyntaxError as error:
        yield block.line + (error.lineno or 0), f"this is not Python: {error.msg}"
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_ours(node.value) and not hasattr(transfermodel, node.attr):
            yield block.line + node.lineno, f"the package transfermodel has no {node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_ours(node.func.value):
            yield from _call(node, getattr(transfermodel, node.func.attr, None), block.line)


def _mermaid(block: Block) -> Iterator[tuple[int, str]]:
    """Yield what keeps a diagram from being drawn, as far as that shows without drawing it."""
    kind = (block.text.split() or [""])[0]
    if kind not in _DIAGRAMS:
        yield block.line, f"mermaid has no diagram {kind!r}"
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if kind == "sequenceDiagram" and ";" in line:
            yield number, "a ; ends a message of a sequence diagram: write a comma"
        if line.count('"') % 2:
            yield number, "a quotation is not closed"


def _is_ours(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "transfermodel"


def _call(node: ast.Call, function: Any, line: int) -> Iterator[tuple[int, str]]:
    if not callable(function) or any(isinstance(each, ast.Starred) for each in node.args):
        return
    named_arguments = {each.arg: each.value for each in node.keywords if each.arg}
    try:
        inspect.signature(function).bind_partial(*node.args, **named_arguments)
    except TypeError as error:
        yield line + node.lineno, f"transfermodel.{function.__name__}: {error}"
