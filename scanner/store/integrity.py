"""Does the store still hold what was put into it? Every digest is computed again and compared."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import StoreError
from scanner.store import journal, prune, schema
from scanner.store.codec import digest, unpack
from scanner.store.estate import connect
from scanner.store.lock import CollectionLock
from scanner.store.place import translated
from scanner.store.stage import tables_digest
from scanner.store.store import Store, evaluation_digest, projection_digest, snapshot_digest
from scanner.tables import TierwallRun


@dataclass(frozen=True, slots=True)
class Glance:
    """What a quick look at a database shows."""

    version: int  # of its schema
    snapshots: int
    last: float | None  # when the last snapshot finished, UTC seconds
    is_interrupted: bool  # a collection left its stage, or has not ended
    scanning: str  # number of the process that collects, '' if none does


def examine(path: Path) -> Glance:
    """Look at a database without changing it: pages, schema, and the digest of the last snapshot.

    Raises StoreError when it is of another program or of a newer schema, or damaged as far as this shows.
    """
    with translated(path), contextlib.closing(connect(path, read_only=True)) as connection:
        version = schema.version_of(connection, path)
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            raise StoreError(path, f"is damaged ({answer}); restore it from a backup")
        found = connection.execute("SELECT id, finished, digest FROM snapshot ORDER BY id DESC LIMIT 1").fetchone()
        if found and snapshot_digest(connection, found[0]) != found[2]:
            raise StoreError(path, f"snapshot {found[0]} is not what was stored; `tierwall verify` tells what else is")
        return Glance(
            version, found[0] if found else 0, found[1] if found else None,
            Store(path, connection).interrupted() is not None, CollectionLock.holder(path),
        )  # fmt: skip


def verify(store: Store) -> list[str]:
    """What does not hold, one sentence each; empty when the store is as it was written."""
    with translated(store.path):
        return [
            *_pages(store),
            *_documents(store),
            *_chains(store),
            *_runs(store),
            *_alerts(store),
            *prune.problems(store),
            *journal.problems(store.connection),
            *_projection(store),
        ]


def _pages(store: Store) -> Iterator[str]:
    for (line,) in store.connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"SQLite: {line}"
    for table, _, parent, _ in store.connection.execute("PRAGMA foreign_key_check"):
        yield f"a row of {table} refers to a row of {parent} that is gone"


def _documents(store: Store) -> Iterator[str]:
    emptied = prune.emptied(store.connection, _upto(store))
    for sha, body in store.connection.execute("SELECT sha, body FROM document ORDER BY sha"):
        if sha in emptied:
            continue
        try:
            found = digest(unpack(body))
        except ValueError:
            found = ""
        if found != sha:
            yield f"document {sha[:12]}: its content is not what was stored"


def _upto(store: Store) -> int:
    pruned = store.pruned()
    return pruned.upto if pruned else 0


def _chains(store: Store) -> Iterator[str]:
    upto = {"snapshot": _upto(store), "evaluation": 0}
    for table, sum_ in (("snapshot", snapshot_digest), ("evaluation", evaluation_digest)):
        last, number_before = "", 0
        for number, parent, stored in store.connection.execute(f"SELECT id, parent, digest FROM {table} ORDER BY id"):
            if number != number_before + 1:
                yield f"{table} {number_before + 1} is gone"
            if parent != last:
                yield f"{table} {number}: does not follow from the one before"
            # of what was pruned, `prune.problems` looks at what is left
            if number > upto[table] and sum_(store.connection, number) != stored:
                yield f"{table} {number}: its content is not what was stored"
            last, number_before = stored, number
    bounds = "(SELECT coalesce(max(id), 0) FROM {0})"
    for table, chain in (("resource", "snapshot"), ("verdict", "evaluation")):
        end = bounds.format(chain)
        (lost,) = store.connection.execute(
            f"SELECT count(*) FROM {table} WHERE first NOT BETWEEN 1 AND {end} OR until NOT BETWEEN 1 AND {end}"
        ).fetchone()
        if lost:
            yield f"{lost} rows of {table} belong to no {chain}"


def _runs(store: Store) -> Iterator[str]:
    names = ", ".join(TierwallRun.columns())
    runs = {r[1]: r for r in store.connection.execute(f"SELECT {names} FROM tierwall_run")}
    last = ""
    for number, uid, stored in store.connection.execute("SELECT id, uid, digest FROM run_chain ORDER BY id"):
        run = runs.pop(uid, None)
        if run is None or digest([number, last, list(run)]) != stored:
            yield f"run {number}: its record is not what was stored"
        last = stored
    for uid in runs:
        yield f"run {uid}: is in no chain"


def _alerts(store: Store) -> Iterator[str]:
    for *record, stored in store.connection.execute("SELECT rule, uid, discriminator, status, at, digest FROM alerted"):
        if digest(record) != stored:
            yield f"the alert of {record[0]} for {record[1]}: is not what was stored"


def _projection(store: Store) -> Iterator[str]:
    for *held, stored in store.connection.execute("SELECT id, snapshot, tables_digest, digest FROM projection"):
        (last,) = store.connection.execute("SELECT max(id) FROM snapshot").fetchone()
        if held != [1, last, tables_digest()] or projection_digest(store.connection) != stored:
            yield f"the typed tables of snapshot {last} are not what was stored; `tierwall evaluate` makes them anew"
