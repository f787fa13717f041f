"""Giving up the contents of old snapshots, so that what is left can still be proved.

Always the oldest snapshots go, up to one of them. What stays of those: number, times, digest and parent, so that the
chain is whole; the rows of history that a later snapshot needs; and the hashes of documents that only such rows name.
A record of the pruning, chained to the one before, vouches for what the digests of the pruned snapshots did. Judgements
stay as they are: they are small, and say since when something failed.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass

from scanner.store import journal
from scanner.store.codec import digest
from scanner.store.place import translated
from scanner.store.store import Snapshot, Store

# The documents that no snapshot after :upto has. A row that the next one closed is kept for its digest alone.
_UNNEEDED = """sha NOT IN (SELECT sha FROM resource WHERE until IS NULL OR until > :upto + 1)"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What pruning would give up."""

    snapshots: tuple[Snapshot, ...]  # oldest first
    documents: int
    bytes: int  # of documents, as they are stored

    @property
    def upto(self) -> int:
        return self.snapshots[-1].id


def plan(store: Store, *, older_than: float | None, keep: int) -> Plan | None:
    """What would go: all but the newest `keep` snapshots, of those the ones that finished before `older_than`.

    None when nothing would. The newest snapshot always stays.
    """
    last = store.pruned()
    going = [s for s in store.snapshots()[: -max(keep, 1)] if last is None or s.id > last.upto]
    if older_than is not None:
        going = list(itertools.takewhile(lambda s: s.finished < older_than, going))
    if not going:
        return None
    with translated(store.path):
        documents, size = store.connection.execute(
            f"SELECT count(*), coalesce(sum(length(body)), 0) FROM document WHERE length(body) > 0 AND {_UNNEEDED}",
            {"upto": going[-1].id},
        ).fetchone()
    return Plan(tuple(going), documents, size)


def prune(store: Store, upto: int, policy: str) -> str:
    """Give up the contents of every snapshot up to this one, in one step; answers with the record's digest."""
    with store.writing() as connection:
        connection.execute("DELETE FROM resource WHERE until <= ?", [upto])
        named = "sha IN (SELECT sha FROM resource)"
        connection.execute(f"DELETE FROM document WHERE NOT ({named})")
        connection.execute(f"UPDATE document SET body = x'' WHERE {_UNNEEDED}", {"upto": upto})
        connection.execute("UPDATE snapshot SET config = x'', ledger = x'', observed = x'' WHERE id <= ?", [upto])
        last = connection.execute("SELECT id, digest FROM prune ORDER BY id DESC LIMIT 1").fetchone()
        number, parent = (last[0] + 1, last[1]) if last else (1, "")
        record = [number, time.time(), upto, policy, *_sums(connection, upto), parent]
        sum_ = digest(record)
        connection.execute("INSERT INTO prune VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [*record, sum_])
        journal.enter(connection, "pruning", sum_)
    return sum_


def compact(store: Store) -> None:
    """Give the space back to the file system. Raises StoreError when another process uses the database."""
    with translated(store.path):
        store.connection.execute("VACUUM")
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sums(connection: sqlite3.Connection, upto: int) -> tuple[str, str]:
    """Digests of what stays of the pruned snapshots: their heads, and the rows of history that began in them."""
    heads = connection.execute(
        "SELECT id, started, finished, tool, parent, digest FROM snapshot WHERE id <= ? ORDER BY id", [upto]
    )
    rows = connection.execute(
        "SELECT uid, first, kind, table_name, scope, sha FROM resource WHERE first <= ? ORDER BY uid, first", [upto]
    )
    return digest(heads.fetchall()), digest(rows.fetchall())


def problems(store: Store) -> Iterator[str]:
    """What of the prunings does not hold, one sentence each."""
    connection = store.connection
    last, before, upto, left = "", 0, 0, ("", "")
    records = connection.execute("SELECT id, at, upto, policy, heads, rows, parent, digest FROM prune ORDER BY id")
    for *record, stored in records.fetchall():
        number, _, reach, _, heads, rows, parent = record
        if (number, parent) != (before + 1, last) or digest(record) != stored or reach <= upto:
            yield f"pruning {number}: its record is not what was stored"
        last, before, upto, left = stored, number, reach, (heads, rows)
    if not before:
        return
    if _sums(connection, upto) != left:
        yield f"pruning {before}: what it left of snapshots 1 to {upto} is not what was stored"
    (lost,) = connection.execute("SELECT count(*) FROM resource WHERE until <= ?", [upto]).fetchone()
    if lost:
        yield f"{lost} rows of resource belong to snapshots that were pruned"
    (full,) = connection.execute(
        "SELECT count(*) FROM snapshot WHERE id <= ? AND length(config) + length(ledger) + length(observed) > 0", [upto]
    ).fetchone()
    if full:
        yield f"{full} pruned snapshots have contents"


def emptied(connection: sqlite3.Connection, upto: int) -> set[str]:
    """The documents that pruning was free to empty: no snapshot that is left has them."""
    found = connection.execute(
        f"SELECT sha FROM document WHERE length(body) = 0 AND {_UNNEEDED} AND :upto > 0", {"upto": upto}
    )
    return {sha for (sha,) in found}
