"""How a typed table is declared: a class whose fields are its columns.

A field that may be `None` is a column that may be NULL, and NULL means "we do not know", never "not set".
The DDL, the data dictionary and the JSON Schema are made from the classes, so they cannot disagree.
"""

from __future__ import annotations

import dataclasses
import operator
import re
import threading
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, cast, dataclass_transform

Value = str | int | float | None
_SQL = {str: "TEXT", int: "INTEGER", bool: "INTEGER", float: "REAL"}
_TABLES: dict[str, type[Row]] = {}
_SORTED: dict[str, type[Row]] = {}  # the same in the order of their names, once somebody asks for that
_COLUMNS: dict[type[Row], dict[str, Column]] = {}
_GETTERS: dict[type[Row], operator.attrgetter[Any]] = {}  # how to take the values of a row, in column order
_COMPLETE: set[type[Row]] = set()  # classes that are dataclasses by now
_COMPLETING = threading.RLock()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a typed table."""

    name: str
    type: type  # str, int, bool or float
    nullable: bool
    description: str
    unit: str = ""
    volatile: bool = False  # changes by itself (last used, latest restorable time): no drift
    hashed: bool = False  # holds a keyed hash where the source holds a secret

    @property
    def ddl(self) -> str:
        null = "" if self.nullable else " NOT NULL"
        check = f" CHECK ({self.name} IN (0, 1))" if self.type is bool else ""
        return f"{self.name} {_SQL[self.type]}{null}{check}"


def column(
    description: str, *, unit: str = "", volatile: bool = False, hashed: bool = False, default: Value = None
) -> Any:
    """A column with its meaning. Left out by a collector it is NULL: unknown, which no rule passes on."""
    meta = {"description": description, "unit": unit, "volatile": volatile, "hashed": hashed}
    return field(default=default, metadata=meta)


def required(description: str) -> Any:
    """A column that every row must give."""
    return field(metadata={"description": description, "unit": "", "volatile": False, "hashed": False})


@dataclass_transform(kw_only_default=True, field_specifiers=(column, required, field))
class Row:
    """Base of every typed table. `class AwsS3Bucket(Resource)` declares the table `aws_s3_bucket`."""

    table: ClassVar[str] = ""
    title: ClassVar[str] = ""
    key: ClassVar[tuple[str, ...]] = ("uid",)
    abstract: ClassVar[bool] = True

    def __init_subclass__(cls, *, title: str = "", abstract: bool = False, table: str = "", **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.abstract, cls.title = abstract, title
        cls.table = table or re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        if not abstract:
            if cls.table in _TABLES and _TABLES[cls.table].__qualname__ != cls.__qualname__:
                raise TypeError(f"two classes declare the table {cls.table}")
            _TABLES[cls.table] = cls

    def __new__(cls, **_: object) -> Self:
        """The first row of a table makes its class a dataclass: a run touches few of the tables there are."""
        _complete(cls)
        return object.__new__(cls)

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """The columns by name, in the order of declaration."""
        found = _COLUMNS.get(cls)
        if found is None:
            found = _COLUMNS[cls] = _columns(cls)
        return found

    @classmethod
    def ddl(cls) -> str:
        """The CREATE TABLE statement, STRICT, with CHECKs on booleans."""
        body = ", ".join([c.ddl for c in cls.columns().values()] + [f"PRIMARY KEY ({', '.join(cls.key)})"])
        return f"CREATE TABLE {cls.table} ({body}) STRICT, WITHOUT ROWID"

    def values(self) -> tuple[Value, ...]:
        """The values in column order."""
        getter = _GETTERS.get(type(self))
        if getter is None:
            getter = _GETTERS[type(self)] = operator.attrgetter(*self.columns())  # no table has a single column
        return cast(tuple[Value, ...], getter(self))


def _complete(cls: type[Row]) -> None:
    """Make a dataclass of the table's class, after the classes it is built on. Collectors' threads may meet here."""
    if cls in _COMPLETE:
        return
    with _COMPLETING:
        if cls not in _COMPLETE:
            for base in cls.__bases__:
                if issubclass(base, Row):
                    _complete(base)
            dataclass(kw_only=True)(cls)
            _COMPLETE.add(cls)


def _columns(cls: type[Row]) -> dict[str, Column]:
    _complete(cls)
    out = {}
    for f in dataclasses.fields(cast(Any, cls)):
        kind, nullable = _TYPES[str(f.type)]
        out[f.name] = Column(f.name, kind, nullable, **f.metadata)
    return out


# Annotations as the modules of tables write them, and what they mean.
_TYPES: dict[str, tuple[type, bool]] = {
    name + null: (kind, bool(null)) for name, kind in (("str", str), ("int", int), ("bool", bool), ("float", float))
    for null in ("", " | None")
}  # fmt: skip


class Placed(Row, abstract=True):
    """What every row of a source says of itself. What does not apply is ''; NULL is not known."""

    scope: str = required("The scope that was read to get the row, `scope.id`.")
    uid: str = required("Identity: an ARN, `k8s:<cluster>/<namespace>/<kind>/<name>`, `cfg:…`, `plan:…`.")
    name: str | None = column("Name as people use it.", default="")
    account: str | None = column("Cloud account id.", default="")
    region: str | None = column("Cloud region; '' for global resources.", default="")
    cluster: str | None = column("Cluster name as declared.", default="")
    namespace: str | None = column("Kubernetes namespace.", default="")
    source: str | None = column("Where the row comes from: aws, kubernetes, config, terraform, manifests.", default="")
    file: str | None = column("Source file, for what was read from files.", volatile=True, default="")
    line: int | None = column("Line in that file, 0 where there is none.", volatile=True, default=0)


class Resource(Placed, abstract=True):
    """A table with one row a resource."""


class Child(Placed, abstract=True):
    """A list of a resource, a row an element. Its uid is its parent's."""

    key: ClassVar[tuple[str, ...]] = ("uid", "ordinal")
    ordinal: int = column("Position in the parent's list, from 0, after sorting.", default=0)


class Derived(Placed, abstract=True):
    """Computed once from other tables; a gap in an input is a gap here.

    With `writes_gaps` whoever computes it writes the gaps that its rows inherit, row by row, with the inputs' calls.
    """

    inputs: ClassVar[tuple[str, ...]] = ()
    writes_gaps: ClassVar[bool] = False


def tables() -> Mapping[str, type[Row]]:
    """Every declared table by name."""
    import scanner.tables.all  # noqa: F401  # declares them

    if len(_SORTED) != len(_TABLES):
        _SORTED.clear()
        _SORTED.update(sorted(_TABLES.items()))
    return _SORTED


def table(name: str) -> type[Row]:
    """The table of that name; KeyError where there is none."""
    return tables()[name]


def numbered(rows: typing.Iterable[Child]) -> Iterator[Child]:
    """The rows of one list in an order that does not depend on the source's, numbered from 0."""
    for number, row in enumerate(sorted(rows, key=lambda r: [(v is None, str(v)) for v in r.values()])):
        row.ordinal = number
        yield row
