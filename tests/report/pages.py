"""What a reader of HTML sees, without a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

INLINE = frozenset({"a", "b", "code", "small", "strong"})
VOID = frozenset({"meta", "br", "link", "img", "input", "hr", "col"})


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str = "") -> list[Element]:
        """The elements below, in order."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] * (tag in ("", child.tag)) + child.all(tag)
        return found

    @property
    def laid_out(self) -> str:
        """The text below, with a space where a reader sees one."""
        inner = "".join(child if isinstance(child, str) else child.laid_out for child in self.children)
        return inner if self.tag in INLINE else f" {inner} "


class Reader(HTMLParser):
    """Builds the tree, and fails where an element is not closed by its own end tag."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#root", {})
        self.stack = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].children.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_endtag(self, tag: str) -> None:
        open_tag = self.stack.pop().tag
        assert open_tag == tag, f"</{tag}> closes <{open_tag}>"

    def handle_data(self, data: str) -> None:
        self.stack[-1].children.append(data)


def read(html: str) -> Element:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.stack == [reader.root], "an element is left open"
    return reader.root
