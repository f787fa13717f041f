"""Reading a resource's values without ever taking unknown for unset, and making rows and gaps of them.

Each reader answers with a value or with `Lost`, which says why there is none. A `Lost` in a column is NULL and a gap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from scanner.collectors.terraform.plan import Json
from scanner.collectors.terraform.values import OUTSIDE, SENSITIVE, TWICE, UNKNOWN
from scanner.tables import Child, Document, Gap, Row
from scanner.tables.base import Placed, Value, numbered

T = TypeVar("T")
U = TypeVar("U")
C = TypeVar("C", bound=Child)


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that is not known, and why."""

    reason: str
    detail: str


AFTER_APPLY = "after_apply"
UNSUPPORTED = "unsupported"
NO_ACCOUNT = Lost(AFTER_APPLY, "the plan does not say which account it is for")
NO_REGION = Lost(AFTER_APPLY, "the plan does not say which region it is for")
OUTSIDE_DETAIL = "is declared outside this plan"
RUNNING = Lost(AFTER_APPLY, "only the running system knows it")


def then(value: T | Lost, use: Callable[[T], U | Lost]) -> U | Lost:
    """`use(value)`, or the loss."""
    return value if isinstance(value, Lost) else use(value)


def both(one: T | Lost, other: U | Lost) -> tuple[T, U] | Lost:
    """The pair, or the first loss."""
    if isinstance(one, Lost):
        return one
    return other if isinstance(other, Lost) else (one, other)


class View:
    """The values of a resource or of a block in it. `absent` is what an argument that is not set means."""

    def __init__(self, values: Json, path: str = "", kind: str = "") -> None:
        self.values: Mapping[str, Json] = values if isinstance(values, Mapping) else {}
        self.path = path  # the address, and the arguments from there on
        self.kind = kind or path  # the same from the type on: what is lost in many resources is said in the same words

    def __repr__(self) -> str:
        return f"View({self.path})"

    def get(self, name: str) -> Json | Lost:
        """The value as it is; None where it is known not to be set."""
        if lost := _lost(self.values, self.kind):
            return lost
        if name not in self.values:
            return Lost(UNSUPPORTED, f"{self._named(name)} is not in the plan")
        value = self.values[name]
        return _lost(value, self._named(name)) or value

    def text(self, name: str, absent: str | Lost | None = None) -> str | Lost:
        return self._typed(name, str, absent)

    def boolean(self, name: str, absent: bool | Lost | None = None) -> bool | Lost:
        value = self.get(name)
        if value in ("true", "false"):  # some arguments keep a boolean as text
            return bool(value == "true")
        return self._typed(name, bool, absent)

    def integer(self, name: str, absent: int | Lost | None = None) -> int | Lost:
        value = self.get(name)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
            return int(value)
        return self._typed(name, int, absent)

    def _typed(self, name: str, kind: type[T], absent: T | Lost | None) -> T | Lost:
        value = self.get(name)
        if isinstance(value, Lost):
            return value
        if value is None:
            return Lost(UNSUPPORTED, f"{self._named(name)} is not set") if absent is None else absent
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            return Lost(UNSUPPORTED, f"{self._named(name)} is of another type than expected")
        return value

    def secret(self, name: str) -> str | Lost:
        """The keyed hash of a secret; '' where none is set."""
        value = self.values.get(name)
        if isinstance(value, Mapping) and SENSITIVE in value:
            return str(value[SENSITIVE])
        return self.text(name, absent="")

    def items(self, name: str) -> list[Json] | Lost:
        """A list or set as it is, with marks on elements; empty where it is not set."""
        value = self.get(name)
        if isinstance(value, Lost):
            return value
        if value is None:
            return []
        return value if isinstance(value, list) else Lost(UNSUPPORTED, f"{self._named(name)} is no list")

    def texts(self, name: str) -> list[str | Lost] | Lost:
        """A list of texts, some of which may be lost."""
        where = self._named(name)
        return then(self.items(name), lambda items: [_text(item, where) for item in items])

    def blocks(self, name: str) -> list[View] | Lost:
        """Nested blocks; none where they are not set. A block that is unknown as a whole is a view that knows nothing,
        which `Shape.each` turns into a gap."""
        value = self.get(name)
        if isinstance(value, dict):  # a provider may have a single block
            return [View(value, self._below(name), self._named(name))]
        below, kind = self._below(name), self._named(name)
        return then(self.items(name), lambda items: [View(item, below, kind) for item in items])

    def block(self, name: str) -> View | Lost | None:
        """The only block of the name, or None."""
        return then(self.blocks(name), lambda blocks: blocks[0] if blocks else None)

    def ref(self, name: str, *types: str, known: Callable[[str], str | Lost], absent: str | None = None) -> str | Lost:
        """The uid of the one resource an argument refers to. `known` makes a uid of a value that is known."""
        raw = self.values.get(name)
        targets = _targets(raw, types)
        if len(targets) == 1:
            return targets[0]
        return then(self.text(name, absent=absent), lambda text: known(text) if text else "")

    def refs(self, name: str, *types: str, known: Callable[[str], str | Lost]) -> tuple[list[str | Lost], Lost | None]:
        """The uids that a list refers to, and the loss that says there may be other ones."""
        raw = self.values.get(name)
        where = self._named(name)
        if isinstance(raw, Mapping) and UNKNOWN in raw:
            targets = _targets(raw, types)
            loss = _lost(raw, where)
            return list[str | Lost](targets), None if len(targets) == 1 else loss
        items = self.items(name)
        if isinstance(items, Lost):
            return [], items
        marked = [item for item in items if isinstance(item, Mapping) and UNKNOWN in item]
        targets = _targets(marked[0], types) if marked else []
        if len(targets) == len(marked):
            rest = [item for item in items if item not in marked]
            return [*targets, *(then(_text(item, where), known) for item in rest)], None
        return [then(_text(item, where), known) for item in items], None

    def _named(self, name: str) -> str:
        return f"{self.kind}.{name}" if self.kind else name

    def _below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def _lost(value: Json, where: str) -> Lost | None:
    if isinstance(value, Mapping) and len(value) == 1:
        if UNKNOWN in value:
            return Lost(AFTER_APPLY, f"{where} is known after apply")
        if OUTSIDE in value:
            return Lost(AFTER_APPLY, f"{value[OUTSIDE]} {OUTSIDE_DETAIL}")
        if TWICE in value:
            return Lost(UNSUPPORTED, f"{value[TWICE]} say it of the same resource, and the last one applied holds")
        if SENSITIVE in value:
            return Lost(UNSUPPORTED, f"{where} is marked sensitive, so it is kept as a keyed hash only")
    return None


def _text(value: Json, where: str) -> str | Lost:
    if lost := _lost(value, where):
        return lost
    return value if isinstance(value, str) else Lost(UNSUPPORTED, f"{where} has an element that is no text")


def _targets(value: Json, types: Iterable[str]) -> list[str]:
    if not isinstance(value, Mapping) or not isinstance(value.get(UNKNOWN), list):
        return []
    wanted = set(types)
    return [target["uid"] for target in value[UNKNOWN] if target["type"] in wanted]


class Shape:
    """The rows of one document and the gaps in them."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.place: dict[str, Any] = document.place | {
            "account": document.account or None,
            "region": None if document.parts.get("place") == {"region": None} else document.region,
        }
        self.gaps: dict[tuple[str, str, str], Gap] = {}
        self._rows: list[Placed] = []
        self._children: defaultdict[type[Child], list[Child]] = defaultdict(list)

    def rows(self) -> list[Placed]:
        """All rows; lists are numbered in an order that does not depend on the plan's."""
        return [*self._rows, *(row for rows in self._children.values() for row in numbered(rows))]

    def add(self, rows: Iterable[Placed], loss: Lost) -> None:
        """Rows that are made and numbered elsewhere; `loss` says why a column of theirs may be NULL."""
        for row in rows:
            self._rows.append(row)
            for name, value in zip(row.columns(), row.values(), strict=True):
                if value is None and name not in self.place:
                    self.lost(type(row), name, loss)

    def resource(self, table: type[Placed], **columns: Value | Lost) -> None:
        """The resource's own row; every column of the table must be given."""
        self._rows.append(table(**self.place, **self._cells(table, columns)))

    def child(self, table: type[Child], **columns: Value | Lost) -> None:
        """A row of one of its lists."""
        self._children[table].append(table(**self.place, **self._cells(table, columns)))

    def children(self, table: type[C]) -> list[C]:
        """The rows of a list so far."""
        return [row for row in self._children[table] if isinstance(row, table)]

    def each(self, table: type[Row], items: list[T] | Lost | None) -> Iterator[T]:
        """The elements a list's rows are made of; where they are not known, rows of the table may be missing."""
        if isinstance(items, Lost):
            self.lost(table, "", items)
        elif items:
            for item in items:
                if isinstance(item, View) and (loss := _lost(item.values, item.kind)):
                    self.lost(table, "", loss)
                else:
                    yield item

    def lost(self, table: type[Row], column: str, loss: Lost) -> None:
        """Note a gap; rows may be missing where no column is named."""
        self.gaps.setdefault(
            (table.table, column, loss.reason),
            Gap(
                scope=self.document.scope,
                uid=self.document.uid,
                table_name=table.table,
                column_name=column,
                reason=loss.reason,
                detail=loss.detail,
            ),
        )

    def _cells(self, table: type[Row], columns: Mapping[str, Value | Lost]) -> dict[str, Any]:
        missing = table.columns().keys() - self.place.keys() - columns.keys() - {"ordinal"}
        if missing:
            raise TypeError(f"{table.table}: no value is given for {', '.join(sorted(missing))}")
        cells: dict[str, Any] = {}
        for name, value in columns.items():
            if isinstance(value, Lost):
                self.lost(table, name, value)
                cells[name] = None
            else:
                cells[name] = value
        return cells
