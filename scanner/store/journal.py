"""The journal: one chain through all that the store keeps for good, in the order in which it was kept.

Snapshots, evaluations, runs and prunings have chains of their own, and the last link of a chain can be taken away
without a trace in it. Here each of them is a link by its digest, whatever it is, so that what was kept later vouches
for it, and whoever wrote down the last link's digest can tell whether everything up to it is still there.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator

from scanner.store.codec import digest

TABLE = """CREATE TABLE journal (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, record TEXT NOT NULL, digest TEXT NOT NULL
) STRICT"""
_KINDS = {"snapshot": "snapshot", "evaluation": "evaluation", "run": "run_chain", "pruning": "prune"}  # kind → table


def begin(connection: sqlite3.Connection) -> None:
    """Make the journal of a store that may hold records already: they are entered by kind and number."""
    connection.execute(TABLE)
    for kind, table in _KINDS.items():
        for (record,) in connection.execute(f"SELECT digest FROM {table} ORDER BY id").fetchall():
            enter(connection, kind, record)


def enter(connection: sqlite3.Connection, kind: str, record: str) -> None:
    """Add what was just kept, by its own digest. Call inside the same transaction."""
    number, last = _end(connection)
    connection.execute(
        "INSERT INTO journal VALUES (?, ?, ?, ?)", [number + 1, kind, record, digest([number + 1, kind, record, last])]
    )


def head(connection: sqlite3.Connection) -> str:
    """The digest of the last link; '' where nothing was kept yet."""
    return _end(connection)[1]


def problems(connection: sqlite3.Connection) -> Iterator[str]:
    """What does not hold, one sentence each."""
    entered: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    before, last = 0, ""
    for number, kind, record, stored in connection.execute("SELECT id, kind, record, digest FROM journal ORDER BY id"):
        if number != before + 1 or digest([number, kind, record, last]) != stored:
            yield f"journal entry {number}: is not what was stored, or does not follow from the one before"
        entered.setdefault(kind, []).append(record)
        before, last = number, stored
    for kind, table in _KINDS.items():
        there = [record for (record,) in connection.execute(f"SELECT digest FROM {table} ORDER BY id")]
        pairs = itertools.zip_longest(entered[kind], there)
        for number, (was, is_) in enumerate(pairs, 1):
            if was is None:
                yield f"{kind} {number}: is in no journal"
            elif is_ is None:
                yield f"{kind} {number} is gone"
            elif was != is_:
                yield f"{kind} {number}: is not the one that the journal has"


def _end(connection: sqlite3.Connection) -> tuple[int, str]:
    found = connection.execute("SELECT id, digest FROM journal ORDER BY id DESC LIMIT 1").fetchone()
    return found or (0, "")
