"""YAML text as plain values with the place of every field; what is wrong with the YAML itself."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from transfermodel.documents import scalars
from transfermodel.documents.places import join
from transfermodel.documents.types import Place, Problem

_BOUNDARY: Final = re.compile(r"^---(?=[ \t\r]|$)", re.MULTILINE)
_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = "plain"
"""The tag that plain scalars get: what they mean is decided when values are made of them."""
_MOST_VALUES: Final = 50_000
"""Of one document: aliases of aliases make gigabytes of a few lines."""


@dataclass
class Read:
    """One document of a file."""

    value: Any = None
    """Plain values: dict, list, str, int, float, bool, None. Keys are strings."""
    places: dict[str, Place] = field(default_factory=dict)
    """Of every field and item, by path; "" is the document."""
    problems: list[Problem] = field(default_factory=list)
    """Syntax, duplicate keys and the like."""


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """Composes nodes; only the meaning of plain scalars is not PyYAML's."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        """Return a node's tag: quoted scalars are strings, plain ones are left undecided."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else f"{_TAG}str"
        return f"{_TAG}map" if kind is yaml.MappingNode else f"{_TAG}seq"


def split(text: str) -> Iterator[tuple[int, str]]:
    """Yield the documents of a file with the number of lines before each, as kubectl splits them: at ---.

    A mistake in one document does not hide those of the next.
    """
    start = 0
    for boundary in [*(match.start() for match in _BOUNDARY.finditer(text)), len(text)]:
        if boundary > start or boundary == len(text):
            yield text.count("\n", 0, start), text[start:boundary]
        start = boundary


def read(text: str, lines_before: int) -> Read | None:
    """Read one document; None: it is empty or holds only comments."""
    result = Read()
    if text.lstrip().startswith("{"):
        # JSON may be indented by tabs, and holds none inside its strings.
        text = text.replace("\t", " ")
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        result.problems.append(_syntax(error, text, lines_before))
        return result
    except yaml.reader.ReaderError as error:
        line = lines_before + text.count("\n", 0, error.position) + 1
        message = f"the character U+{error.character:04X} is not allowed in YAML"
        result.problems.append(Problem(Place(line, 1), "", message, "Remove it."))
        return result
    except RecursionError:
        message = "the document is nested too deeply to be a TransferModel"
        result.problems.append(Problem(Place(lines_before + 1, 1), "", message, "Look for unclosed [ or {."))
        return result
    if root is None:
        return None
    _Builder(result, lines_before).build(root)
    return result


class _Builder:
    """Makes plain values of nodes, and remembers their places."""

    def __init__(self, result: Read, lines_before: int) -> None:
        self._result = result
        self._lines_before = lines_before
        self._values = 0
        self._open: set[int] = set()

    def build(self, root: yaml.Node) -> None:
        """Fill in the result."""
        try:
            self._result.value = self._value(root, "", None)
        except _TooMuch as error:
            self._problem(error.node, "", str(error), "Write the values out, without aliases.")
            # There is no value to judge.
            self._result.places.clear()

    def _value(self, node: yaml.Node, path: str, key: yaml.Node | None) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _TooMuch(f"the document has more than {_MOST_VALUES} values", node)
        if id(node) in self._open:
            raise _TooMuch("an alias (*) stands inside what it refers to", node)
        self._result.places[path] = self._place(node, key)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            return [self._value(child, f"{path}[{index}]", None) for index, child in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                merged = self._merged(value_node, path) | merged
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in result:
                first = self._result.places[join(path, key)].line
                self._problem(
                    key_node,
                    join(path, key),
                    f"{key} is set twice: here and in line {first}",
                    "Keep one of them; of two, one would be lost.",
                )
                continue
            result[key] = self._value(value_node, join(path, key), key_node)
        # What stands here outweighs what is merged in, and keeps its place.
        return merged | result

    def _merged(self, node: yaml.Node, path: str) -> dict[str, Any]:
        """Return what `<<:` brings; of several mappings the first one counts."""
        places = dict(self._result.places)
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, Any] = {}
        for source in sources:
            value = self._value(source, path, None)
            if not isinstance(value, dict):
                self._problem(source, path, "<< merges a mapping, and this is none", "Refer to a mapping.")
                continue
            result = value | result
        self._result.places.update(places)
        return result

    def _key(self, node: yaml.Node, path: str) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._problem(node, path, "a list or mapping is no name of a field", "Write a word before the colon.")
            return None
        value = self._scalar(node, path)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "null" if value is None else str(value)

    def _scalar(self, node: yaml.ScalarNode, path: str) -> Any:
        text = self._paired(node, path)
        tag = node.tag.removeprefix(_TAG)
        if tag == _PLAIN:
            value = scalars.plain(text)
            if isinstance(value, float) and not math.isfinite(value):
                self._problem(node, path, f"{text} is no number that JSON knows", "Write a number.")
                return None
            return value
        if tag in ("int", "float", "bool", "null"):
            return scalars.plain(text)
        if tag not in ("str", "timestamp"):
            self._problem(node, path, f"the tag {node.tag} is not supported", "Leave it out.")
        return text

    def _paired(self, node: yaml.ScalarNode, path: str) -> str:
        """Return a scalar's text; JSON writes what lies beyond U+FFFF as two escapes, which YAML does not join."""
        try:
            text: str = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._problem(node, path, "half a character is escaped here (a lone surrogate)", "Remove it.")
            return ""
        return text

    def _place(self, node: yaml.Node, key: yaml.Node | None) -> Place:
        value = node.start_mark
        mark = (key or node).start_mark
        return Place(
            line=self._lines_before + mark.line + 1,
            column=mark.column + 1,
            value_line=self._lines_before + value.line + 1,
            value_column=value.column + 1,
            text=node.value if isinstance(node, yaml.ScalarNode) else None,
        )

    def _problem(self, node: yaml.Node, path: str, message: str, remedy: str) -> None:
        self._result.problems.append(Problem(self._place(node, None), path, message, remedy))


class _TooMuch(Exception):
    """The document grows beyond all bounds."""

    def __init__(self, message: str, node: yaml.Node) -> None:
        super().__init__(message)
        self.node = node


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag in (_PLAIN, f"{_TAG}merge") and node.value == scalars.MERGE


def _syntax(error: yaml.MarkedYAMLError, text: str, lines_before: int) -> Problem:
    """Return the sentence for YAML that cannot be read."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(Place(lines_before + 1, 1), "", f"this is no YAML: {error.problem or error}", "")
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    place = Place(lines_before + mark.line + 1, mark.column + 1)
    if line[: len(line) - len(line.lstrip())].count("\t"):
        return Problem(place, "", "the line is indented with a tab", "YAML is indented with spaces: replace the tab.")
    problem = str(error.problem)
    if "mapping values are not allowed" in problem:
        remedy = "Check the indentation, and put text that holds a colon in quotes."
    elif "expected <block end>" in problem or "expected <document start>" in problem:
        remedy = "Check the indentation: fields of one level begin in one column."
    elif "could not find expected ':'" in problem:
        remedy = "Put a colon and a space after the field's name: name: value."
    elif "undefined alias" in problem:
        remedy = "Define it with & before it is used with *."
    elif "found unexpected end of stream" in problem or "expected ',' or" in problem:
        remedy = "Close the quote or bracket."
    else:
        remedy = "Check this line and the one before it."
    return Problem(place, "", f"this is no YAML: {problem}", remedy)
