"""An estate: one snapshot in typed tables, in an SQLite database of its own or inside the store's."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from scanner.errors import StoreError
from scanner.safe.numbers import fitted
from scanner.store.place import translated
from scanner.tables import Gap, Placed, Row, Value, tables

R = TypeVar("R", bound=Row)
BATCH = 500


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode. Raises StoreError when the file cannot be opened."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    try:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, cached_statements=0 if read_only else 128, check_same_thread=False
        )
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA query_only = {'ON' if read_only else 'OFF'}")
        return connection
    except sqlite3.Error as e:
        raise StoreError(path, f"cannot be opened: {e}") from e


class Estate:
    """One snapshot in typed tables. `create` makes it, `open` finds it; close it after use."""

    def __init__(self, path: Path, connection: sqlite3.Connection, absent: Iterable[str] = ()) -> None:
        self.path = path
        self.connection = connection
        self.absent = set(absent)  # tables that `need` has not been asked for yet: they have no rows

    @classmethod
    def create(cls, path: Path, *, sparse: bool = False) -> Estate:
        """A new, empty estate that only the user can read. The file must not exist.

        A sparse one has of the sources' tables only those that `need` names or that rows are added to: a short run
        would spend most of its time on the others.
        """
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = connect(path)
        connection.execute("PRAGMA journal_mode = WAL")  # readers open connections of their own while we write
        connection.execute("PRAGMA synchronous = OFF")  # a lost estate is collected or projected again
        own = ("tierwall_",)  # filled whenever environments are assigned
        later = {n for n, kind in tables().items() if sparse and issubclass(kind, Placed) and not n.startswith(own)}
        connection.execute("BEGIN")
        create_tables(connection, tables().keys() - later)
        connection.execute("COMMIT")
        return cls(path, connection, later)

    @classmethod
    def open(cls, path: Path) -> Estate:
        return cls(path, connect(path))

    def need(self, names: Iterable[str]) -> None:
        """Create those of the tables that a sparse estate does not have yet."""
        missing = self.absent & set(names)
        create_tables(self.connection, missing)
        self.absent -= missing

    def reader(self) -> sqlite3.Connection:
        """A new read-only connection, for the rule engine to lock down further."""
        return connect(self.path, read_only=True)

    def insert(self, rows: Iterable[Row]) -> None:
        """Add rows to the tables they belong to. A row whose key is taken replaces the older one."""
        batches: dict[type[Row], list[tuple[Value, ...]]] = {}
        for row in rows:
            batch = batches.setdefault(type(row), [])
            batch.append(row.values())
            if len(batch) >= BATCH:
                self._write(type(row), batch)
                batch.clear()
        for kind, batch in batches.items():
            self._write(kind, batch)

    def _write(self, kind: type[Row], batch: list[tuple[Value, ...]]) -> None:
        self.need([kind.table])
        marks = ", ".join("?" * len(kind.columns()))
        sql = f"INSERT OR REPLACE INTO {kind.table} VALUES ({marks})"
        try:
            self.connection.executemany(sql, batch)
        except (OverflowError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
            fitting = [self.fitted(kind, values) for values in batch]
            self.connection.executemany(sql, [values for values, _ in fitting])
            if gaps := [gap.values() for _, several in fitting for gap in several]:
                self._write(Gap, gaps)

    @staticmethod
    def fitted(kind: type[Row], values: Sequence[Value]) -> tuple[tuple[Value, ...], list[Gap]]:
        """A row's values with NULL for each that its column cannot hold, and the gaps that say so.

        Sources say what they like: a period of 1e30 days, a list for a port. Nobody knows what was meant.
        """
        kept, gaps = list(values), []
        columns = kind.columns()
        place = dict(zip(columns, values, strict=True))
        for number, (column, value) in enumerate(zip(columns.values(), values, strict=True)):
            is_fit, wanted = _FIT[column.type]
            if value is not None and column.nullable and issubclass(kind, Placed) and not is_fit(value):
                kept[number] = None
                gaps.append(
                    Gap(scope=str(place["scope"]), uid=str(place["uid"]), table_name=kind.table,
                        column_name=column.name, reason="unsupported", detail=f"what was read is {wanted}")
                )  # fmt: skip
        return tuple(kept), gaps

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """All that is written meanwhile is kept, or nothing. Within a transaction of the caller's, he decides."""
        with translated(self.path):
            if self.connection.in_transaction:
                yield
                return
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            finally:
                if self.connection.in_transaction:  # on a full disk SQLite has rolled back by itself
                    self.connection.execute("ROLLBACK")

    def rows(self, kind: type[R], where: str = "1", *values: object) -> list[R]:
        """The rows of a table in the order of its key. `where` is our own SQL, never outside text."""
        if kind.table in self.absent:
            return []
        names = ", ".join(kind.columns())
        sql = f"SELECT {names} FROM {kind.table} WHERE {where} ORDER BY {', '.join(kind.key)}"
        return [from_values(kind, record) for record in self.connection.execute(sql, values)]

    def count(self, kind: type[Row]) -> int:
        """How many rows the table has."""
        if kind.table in self.absent:
            return 0
        (number,) = self.connection.execute(f"SELECT count(*) FROM {kind.table}").fetchone()
        return int(number)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Estate:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_FIT: Mapping[type, tuple[Callable[[object], bool], str]] = {
    bool: (lambda value: value in (0, 1), "neither true nor false"),
    int: (lambda value: isinstance(value, int) and value == fitted(value), "no whole number of 64 bits"),
    float: (lambda value: isinstance(value, int | float), "no number"),
    str: (lambda value: isinstance(value, str), "no text"),
}  # by type of column: whether it can hold a value, and what is said of one that it cannot


def create_tables(connection: sqlite3.Connection, names: Collection[str] | None = None) -> None:
    """Create typed tables, empty: all of them, or those named. Call inside a transaction."""
    for name in tables() if names is None else sorted(names):
        connection.execute(tables()[name].ddl())


def from_values(kind: type[R], values: Iterable[object]) -> R:
    """A row of the table from values in column order; SQLite's 0 and 1 become booleans again."""
    given = {
        c.name: bool(v) if c.type is bool and v is not None else v
        for c, v in zip(kind.columns().values(), values, strict=True)
    }
    return kind(**given)


def remove_estate(path: Path) -> None:
    """Remove an estate's file and SQLite's files beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
