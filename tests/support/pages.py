"""A page, read by an HTML parser: what tests of its structure ask for."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br"}


@dataclass
class Node:
    """One element."""

    tag: str
    attributes: dict[str, str]
    children: list["Node"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return all text within, with single spaces."""
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> list[str]:
        pieces = list(self.texts)
        for child in self.children:
            pieces += child._pieces()
        return pieces

    def all(self, tag: str | None = None, **attributes: str) -> list["Node"]:
        """Return the elements within of a tag (None: any) that have the attributes; class_ is one of the classes."""
        found = []
        for child in self.children:
            if child._matches(tag, attributes):
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag: str | None = None, **attributes: str) -> "Node":
        """Return the only such element."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {attributes}"
        return found[0]

    def _matches(self, tag: str | None, attributes: dict[str, str]) -> bool:
        if self.tag == "#text":
            return False
        for key, value in attributes.items():
            if key == "class_":
                if value not in self.attributes.get("class", "").split():
                    return False
            elif self.attributes.get(key) != value:
                return False
        return tag is None or self.tag == tag


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("#root", {})
        self.open = [self.root]
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.problems.append(f"<{tag}> has an attribute twice: {names}")
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag != tag:
            self.problems.append(f"</{tag}> ends <{self.open[-1].tag}>")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        # A text is a child, too, so that the order of what is read stays.
        self.open[-1].children.append(Node("#text", {}, texts=[data]))


def parse(page: bytes) -> Node:
    """Return the page as a tree; every element must be closed, and by its own end tag."""
    parser = _Parser()
    parser.feed(page.decode())
    parser.close()
    if len(parser.open) > 1:
        parser.problems.append(f"never closed: {[node.tag for node in parser.open[1:]]}")
    assert not parser.problems, parser.problems
    return parser.root
