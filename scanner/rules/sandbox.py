"""A connection that can do nothing but read the tables it is told, for so long, with functions that are listed.

No rule can write, reach another table, attach a file, change a setting, ask for the time or for chance, or run on.
What it reads is noted while SQLite compiles a statement: that is the rule's lineage.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

from scanner.rules.lexical import AGGREGATES, SCALARS

DEADLINE = 300.0  # seconds for one statement
# Instructions of SQLite's virtual machine for one statement: the same on every machine, so a rule that is too slow is
# too slow everywhere. A scan of 100,000 rows takes a few millions. The clock is for machines that are slower still.
STEPS = 5_000_000_000
MOST_ROWS = 2_000_000  # of one statement: a row a subject, and some for each; more is a join that somebody forgot
_TICK = 10_000  # instructions between two looks at the clock; the cost of looking cannot be measured

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 50_000_000,  # one value: the longest list of uids that the engine binds fits
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 4_000_000,  # a rule's own text is bounded by lexical.LONGEST; guards come on top
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 10,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 50,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
# What the engine's own statements call around a rule's text. `lexical` lets a rule call less than that.
_FUNCTIONS = SCALARS | AGGREGATES | {"count", "json_extract"}
_LISTS = "json_each"  # lists of uids are bound as JSON


class Read(NamedTuple):
    """A column that a statement reads. `column` is '' for a table that is named while no column of it is read."""

    database: str
    table: str
    column: str


class DeadlineError(Exception):
    """A statement took more time, steps, rows or memory than it may."""


class Timed:
    """Runs statements on a connection, each for so long at most and with so many rows."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        deadline: float = DEADLINE,
        steps: int = STEPS,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self._connection = connection
        self._most_rows = most_rows
        self._deadline, self._steps = deadline, steps
        self._left, self._until = steps, 0.0
        self._expired = False
        connection.set_progress_handler(self._tick, _TICK)

    def rows(
        self, sql: str, values: Mapping[str, object] | None = None, *, tables: Collection[str]
    ) -> list[tuple[object, ...]]:
        """All rows of one statement, which reads the tables.

        Raises DeadlineError, and sqlite3.Error for what SQLite refuses.
        """
        self._start(tables)
        try:
            return self._fetch(self._connection.execute(sql, values or {}))
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except MemoryError as error:
            raise DeadlineError("it takes more memory than there is") from error

    def _fetch(self, cursor: sqlite3.Cursor) -> list[tuple[object, ...]]:
        with contextlib.closing(cursor):
            found = cursor.fetchmany(self._most_rows + 1)
        if len(found) > self._most_rows:
            raise DeadlineError(f"it gives more than {self._most_rows:,} rows")
        return found

    def _start(self, tables: Collection[str]) -> None:
        self._expired = False
        self._left, self._until = self._steps, time.monotonic() + self._deadline

    def _explained(self, error: sqlite3.Error) -> Exception:
        return DeadlineError("it takes too long") if self._expired else error

    def _tick(self) -> int:
        self._left -= _TICK
        self._expired = self._left < 0 or time.monotonic() > self._until
        return int(self._expired)


class Sandbox(Timed):
    """Locks a connection down, for good, to the tables that each statement is said to read.

    The connection must have been opened with `cached_statements=0`: a statement that SQLite has prepared before is not
    authorized again, so nothing may be kept prepared.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        deadline: float = DEADLINE,
        steps: int = STEPS,
        most_rows: int = MOST_ROWS,
    ) -> None:
        super().__init__(connection, deadline=deadline, steps=steps, most_rows=most_rows)
        self._tables: frozenset[str] = frozenset()
        self._reads: set[Read] = set()
        self._denied = ""
        # SQLite builds json_each on first use, with writes to its own schema that the authorizer would refuse.
        connection.execute("SELECT * FROM json_each('[]')").fetchall()
        for pragma in ("query_only = ON", "trusted_schema = OFF", "temp_store = MEMORY", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {pragma}")
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        connection.set_authorizer(self._authorize)

    def reads(self, sql: str, *, tables: Collection[str]) -> set[Read]:
        """What a statement would read, found by compiling it. Raises as `rows` does."""
        self.rows(f"EXPLAIN {sql}", {"as_of": 0}, tables=tables)
        return set(self._reads)

    def columns(self, sql: str, *, tables: Collection[str]) -> tuple[str, ...]:
        """The names of a statement's columns. Raises as `rows` does."""
        self._start(tables)
        try:
            cursor = self._connection.execute(sql, {"as_of": 0})
        except sqlite3.Error as error:
            raise self._explained(error) from error
        return tuple(column[0] for column in cursor.description)

    def _start(self, tables: Collection[str]) -> None:
        super()._start(tables)
        self._tables = frozenset(tables)
        self._reads.clear()
        self._denied = ""

    def _explained(self, error: sqlite3.Error) -> Exception:
        denied = sqlite3.OperationalError(f"{self._denied} is not allowed") if self._denied else error
        return super()._explained(denied)

    def _authorize(
        self, action: int, first: str | None, second: str | None, database: str | None, _trigger: str | None
    ) -> int:
        match action:
            case sqlite3.SQLITE_SELECT:
                return sqlite3.SQLITE_OK
            case sqlite3.SQLITE_READ if first == _LISTS:
                return sqlite3.SQLITE_OK
            case sqlite3.SQLITE_READ if first in self._tables:
                self._reads.add(Read(database or "", first or "", second or ""))
                return sqlite3.SQLITE_OK
            case sqlite3.SQLITE_FUNCTION if (second or "").lower() in _FUNCTIONS:
                return sqlite3.SQLITE_OK
        self._denied = self._denied or " ".join(filter(None, (_ACTIONS.get(action, "this statement"), first, second)))
        return sqlite3.SQLITE_DENY


_ACTIONS = {
    sqlite3.SQLITE_READ: "reading",
    sqlite3.SQLITE_FUNCTION: "calling",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_RECURSIVE: "WITH RECURSIVE",
}
