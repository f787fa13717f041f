"""YAML from outside: bounded in every direction, in the reader's dialect, with the line of every value.

Documents are built from PyYAML's stream of parse events, one after the other and without recursion: libyaml's own
composer overflows the C stack on deep input, and no constructor that could run code is ever in reach. Size, depth,
aliases and what they expand to are counted while events arrive, so that a bomb stops where it starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from scanner.errors import InputError
from scanner.safe.text import decode
from scanner.safe.yaml_dialects import Dialect, Scalar, key, resolve

__all__ = ["Dialect", "Limits", "YamlDocument", "load"]

# libyaml where PyYAML was built with it (all wheels on PyPI are), else the same events from pure Python.
_EVENTS = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may hold. `nodes` counts values as if every alias and merge key were written out."""

    size: int = 5_000_000  # bytes
    depth: int = 100
    aliases: int = 1_000
    nodes: int = 1_000_000


@dataclass(slots=True)
class YamlDocument:
    """One document of a stream. Values that aliases share are one object: read them, do not change them."""

    value: Any  # None, bool, int, float, str, list and dict of the same, keys always str
    where: str
    _root: _Node

    def line(self, path: tuple[str | int, ...] = ()) -> int:
        """The 1-based line where the value at `path` stands; of an entry, its key's. Of a path that is not there,
        the line of the nearest value above it: what is missing is missing there."""
        node, line = self._root, self._root.line
        for part in path:
            step = node.step(part)
            if step is None:
                break
            line, node = step
        return line

    def text(self, path: tuple[str | int, ...] = ()) -> str | None:
        """The scalar at `path` as the file spells it (`1.10`, `0123`); None for what is no scalar or not there."""
        node = self._root
        for part in path:
            step = node.step(part)
            if step is None:
                return None
            node = step[1]
        return node.text

    def at(self, path: tuple[str | int, ...] = ()) -> str:
        """`where:line`, for messages."""
        return f"{self.where}:{self.line(path)}"


def load(text: str | bytes, where: str, dialect: Dialect, limits: Limits | None = None) -> list[YamlDocument]:
    """All documents of a stream, none for an empty one. `where` is the file's name in messages. Raises InputError."""
    bounds = limits or Limits()
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > bounds.size:
        raise InputError(where, f"is larger than {bounds.size:,} bytes (limit {bounds.size:,})")
    return _Builder(decode(text, where), where, dialect, bounds).documents()


class _Node:
    """A value under construction and what is known of its place. Kept as slots: a file may have a million."""

    __slots__ = ("children", "line", "size", "text", "value")

    def __init__(self, value: Any, line: int, text: str | None = None) -> None:
        self.value = value
        self.line = line
        self.text = text
        self.size = 1  # values in it, itself included, aliases written out
        self.children: dict[str, tuple[int, _Node]] | list[_Node] | None = None

    def step(self, part: str | int) -> tuple[int, _Node] | None:
        """The line to name and the node, one part further down."""
        if isinstance(self.children, dict):
            return self.children.get(str(part))
        if isinstance(self.children, list) and isinstance(part, int) and 0 <= part < len(self.children):
            return self.children[part].line, self.children[part]
        return None


class _Sequence:
    """A list whose end has not been reached."""

    __slots__ = ("anchor", "items", "node")

    def __init__(self, node: _Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.items: list[_Node] = []


class _Mapping:
    """A mapping whose end has not been reached."""

    __slots__ = ("anchor", "entries", "key", "key_line", "lines", "merged", "merging", "node")

    def __init__(self, node: _Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.entries: dict[str, tuple[int, _Node]] = {}
        self.merged: dict[str, tuple[int, _Node]] = {}
        self.lines: dict[str, int] = {}  # of the keys that are written here, not merged
        self.key: str | None = None  # of the entry whose value comes next
        self.key_line = 0
        self.merging = False  # the value that comes next is to be merged


class _Builder:
    def __init__(self, text: str, where: str, dialect: Dialect, limits: Limits) -> None:
        self.text = text
        self.where = where
        self.dialect = dialect
        self.limits = limits
        self.aliases = 0
        self.nodes = 0  # of this stream, aliases written out
        self.anchors: dict[str, _Node | None] = {}  # None: its value has not ended yet
        self.stack: list[_Sequence | _Mapping] = []
        self.root: _Node | None = None

    def documents(self) -> list[YamlDocument]:
        done: list[YamlDocument] = []
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceEndEvent: self._end,
            yaml.MappingEndEvent: self._end,
        }
        for event in self._events():
            line = event.start_mark.line + 1
            if handler := handlers.get(type(event)):
                handler(event, line)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.anchors.clear()
            elif isinstance(event, yaml.DocumentEndEvent):
                root = self.root or _Node(None, line, "")
                done.append(YamlDocument(root.value, self.where, root))
                self.root = None
        return done

    def _events(self) -> Iterator[Any]:
        try:
            loader = _EVENTS(self.text)
            try:
                while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
                    yield event
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = " ".join(part for part in (error.context, error.problem) if part)
            raise self._error(mark.line + 1 if mark else 1, f"is not YAML: {problem}") from error
        except yaml.reader.ReaderError as error:
            line = self._line_of(error.position)
            raise self._error(line, f"holds a character that YAML forbids ({error.reason})") from error
        except (UnicodeEncodeError, yaml.YAMLError) as error:  # a lone surrogate, in text that was not bytes
            raise self._error(1, f"is not YAML: {error}") from error

    def _line_of(self, position: int) -> int:
        """libyaml counts bytes, pure Python characters; control characters are searched for instead."""
        bad = next((m for m in yaml.reader.Reader.NON_PRINTABLE.finditer(self.text)), None)
        return self.text.count("\n", 0, bad.start() if bad else min(position, len(self.text))) + 1

    def _scalar(self, event: Any, line: int) -> None:
        text: str = event.value
        if "\0" in text or (not text.isascii() and _SURROGATE.search(text)):
            raise self._error(line, "holds a NUL or half a surrogate pair, which no text may hold")
        plain = event.implicit[0]
        try:
            value = self._typed(text, event.tag, plain, line)
        except ValueError as error:
            raise self._error(line, str(error)) from error
        if mapping := self._awaiting_key():
            self._anchor(event.anchor, _Node(value, line, text))
            self._key(value, mapping, line, merge=plain and text == _MERGE)
            return
        self._count(1, line)
        node = _Node(value, line, text)
        self._anchor(event.anchor, node)
        self._place(node, line)

    def _typed(self, text: str, tag: str | None, plain: bool, line: int) -> Scalar:
        if plain and tag is None:
            return resolve(text, self.dialect)
        if tag in (None, "!", f"{_TAG}str"):
            return text
        kind = {f"{_TAG}null": type(None), f"{_TAG}bool": bool, f"{_TAG}int": int, f"{_TAG}float": float}.get(tag or "")
        if kind is None:
            raise self._error(line, f"has the tag {tag}, which is not read", "use plain values")
        value = resolve(text, self.dialect)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return value if self.dialect is Dialect.KUBECTL else float(value)  # JSON knows no difference
        if type(value) is not kind:
            raise self._error(line, f"is tagged {tag.removeprefix(_TAG) if tag else tag} but holds {text[:40]!r}")
        return value

    def _key(self, value: Scalar, mapping: _Mapping, line: int, *, merge: bool) -> None:
        try:
            name = _MERGE if merge else key(value, self.dialect)
        except ValueError as error:
            raise self._error(line, str(error)) from error
        if name in mapping.lines:
            first = mapping.lines[name]
            raise self._error(line, f"the key {name[:80]!r} was already given on line {first}", "keep one of them")
        mapping.lines[name] = line
        mapping.key, mapping.key_line, mapping.merging = name, line, merge

    def _start(self, event: Any, line: int) -> None:
        is_list = isinstance(event, yaml.SequenceStartEvent)
        if event.tag not in (None, "!", f"{_TAG}{'seq' if is_list else 'map'}"):
            raise self._error(line, f"has the tag {event.tag}, which is not read", "use plain values")
        if self._awaiting_key():
            raise self._error(line, "has a list or a mapping as a key")
        if len(self.stack) >= self.limits.depth:
            raise self._error(line, f"is nested too deeply (limit {self.limits.depth})")
        self._count(1, line)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        node = _Node(None, line)
        self.stack.append(_Sequence(node, event.anchor) if is_list else _Mapping(node, event.anchor))

    def _end(self, _event: Any, line: int) -> None:
        top = self.stack.pop()
        node = top.node
        if isinstance(top, _Sequence):
            node.children = top.items
            node.value = [item.value for item in top.items]
        else:
            node.children = top.merged | top.entries if top.merged else top.entries
            node.value = {name: entry.value for name, (_, entry) in node.children.items()}
        if top.anchor is not None:
            self.anchors[top.anchor] = node
        self._place(node, line)

    def _alias(self, event: Any, line: int) -> None:
        name: str = event.anchor
        self.aliases += 1
        if self.aliases > self.limits.aliases:
            raise self._error(line, f"uses too many aliases (limit {self.limits.aliases:,})")
        if name not in self.anchors:
            raise self._error(line, f"the alias *{name[:80]} has no anchor before it")
        node = self.anchors[name]
        if node is None:
            raise self._error(line, f"the alias *{name[:80]} stands inside its own anchor")
        if mapping := self._awaiting_key():
            if node.children is not None:
                raise self._error(line, "has a list or a mapping as a key")
            self._key(node.value, mapping, line, merge=False)
            return
        self._count(node.size, line)
        self._place(node, line)

    def _place(self, node: _Node, line: int) -> None:
        """Put a finished value where it belongs."""
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.node.size += node.size
        if isinstance(top, _Sequence):
            top.items.append(node)
            return
        name, top.key = top.key or "", None
        if top.merging:
            self._merge(top, node, line)
        else:
            top.entries[name] = (top.key_line, node)

    def _merge(self, top: _Mapping, node: _Node, line: int) -> None:
        """Take over the entries of a mapping, or of a list of them, where the first to have a key gives it."""
        taken: dict[str, tuple[int, _Node]] = {}
        for source in node.children if isinstance(node.children, list) else [node]:
            if not isinstance(source.children, dict):
                raise self._error(line, "merges (<<) what is not a mapping")
            self._count(len(source.children), line)
            for name, entry in source.children.items():
                taken.setdefault(name, entry)
        size = sum(entry.size for _, entry in taken.values())
        self._count(size, line)
        top.node.size += size
        if self.dialect is Dialect.KUBECTL:
            # goyaml.v2 merges where `<<` stands: what was given above it is overwritten, what follows wins.
            top.entries.update(taken)
        else:
            top.merged = taken

    def _awaiting_key(self) -> _Mapping | None:
        top = self.stack[-1] if self.stack else None
        return top if isinstance(top, _Mapping) and top.key is None else None

    def _anchor(self, name: str | None, node: _Node) -> None:
        if name is not None:
            self.anchors[name] = node

    def _count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > self.limits.nodes:
            raise self._error(line, f"holds or expands to too many values (limit {self.limits.nodes:,})")

    def _error(self, line: int, problem: str, hint: str = "") -> InputError:
        return InputError(f"{self.where}:{line}", problem, hint)
