"""The store's own tables and their versions. Migrations only go forward, each in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from scanner.errors import StoreError
from scanner.store import journal
from scanner.store.estate import create_tables
from scanner.tables import tables

VERSION = 3
APPLICATION_ID = 0x74776C6C  # "twll": tells a Tierwall database from any other SQLite file

# Up to which snapshot contents were given up, when and by which policy; digests of what stays of those snapshots.
PRUNE = """CREATE TABLE prune (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, upto INTEGER NOT NULL REFERENCES snapshot(id), policy TEXT NOT NULL,
    heads TEXT NOT NULL, rows TEXT NOT NULL, parent TEXT NOT NULL, digest TEXT NOT NULL
) STRICT"""
TABLES = (
    # What one collection saw. `ledger` holds its scopes, requests, calls and gaps, `observed` the volatile values.
    """CREATE TABLE snapshot (
        id INTEGER PRIMARY KEY, started REAL NOT NULL, finished REAL NOT NULL, tool TEXT NOT NULL,
        config BLOB NOT NULL, ledger BLOB NOT NULL, observed BLOB NOT NULL, parent TEXT NOT NULL, digest TEXT NOT NULL
    ) STRICT""",
    # `body` is empty where every snapshot that had the document was pruned.
    "CREATE TABLE document (sha TEXT PRIMARY KEY NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID",
    # A resource had this document from snapshot `first` up to, not including, `until` (NULL: still has it).
    """CREATE TABLE resource (
        uid TEXT NOT NULL, first INTEGER NOT NULL REFERENCES snapshot(id), until INTEGER REFERENCES snapshot(id),
        kind TEXT NOT NULL, table_name TEXT NOT NULL, scope TEXT NOT NULL, sha TEXT NOT NULL REFERENCES document(sha),
        PRIMARY KEY (uid, first)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX resource_first ON resource (first)",
    "CREATE INDEX resource_until ON resource (until)",
    """CREATE TABLE evaluation (
        id INTEGER PRIMARY KEY, snapshot INTEGER NOT NULL REFERENCES snapshot(id), as_of INTEGER NOT NULL,
        rules_digest TEXT NOT NULL, policy_digest TEXT NOT NULL, waivers_digest TEXT NOT NULL,
        attestations_digest TEXT NOT NULL, tool TEXT NOT NULL, parent TEXT NOT NULL, digest TEXT NOT NULL
    ) STRICT""",
    # A verdict held from evaluation `first` up to, not including, `until` (NULL: still holds).
    """CREATE TABLE verdict (
        rule TEXT NOT NULL, uid TEXT NOT NULL, discriminator TEXT NOT NULL, first INTEGER NOT NULL,
        until INTEGER, status TEXT NOT NULL, message TEXT NOT NULL, because TEXT NOT NULL,
        PRIMARY KEY (rule, uid, discriminator, first)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX verdict_first ON verdict (first)",
    "CREATE INDEX verdict_until ON verdict (until)",
    # Which snapshot the typed tables hold, with a digest over all their rows.
    """CREATE TABLE projection (
        id INTEGER PRIMARY KEY CHECK (id = 1), snapshot INTEGER NOT NULL, tables_digest TEXT NOT NULL,
        digest TEXT NOT NULL
    ) STRICT""",
    # What was alerted: an alert goes out once, also over restarts. Forgotten when the verdict is good again.
    """CREATE TABLE alerted (
        rule TEXT NOT NULL, uid TEXT NOT NULL, discriminator TEXT NOT NULL, status TEXT NOT NULL, at REAL NOT NULL,
        digest TEXT NOT NULL, PRIMARY KEY (rule, uid, discriminator)
    ) STRICT, WITHOUT ROWID""",
    # tierwall_run, chained: each run's digest takes in the one before.
    "CREATE TABLE run_chain (id INTEGER PRIMARY KEY, uid TEXT NOT NULL, digest TEXT NOT NULL) STRICT",
    PRUNE,
    journal.TABLE,
)


def _from_1(connection: sqlite3.Connection) -> None:
    connection.execute(PRUNE)


# From that version to the next.
MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _from_1, 2: journal.begin}


def create(connection: sqlite3.Connection) -> None:
    """Make an empty file a database of this version."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:  # another process may have been quicker
        for statement in TABLES:
            connection.execute(statement)
        create_tables(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def bring_up(connection: sqlite3.Connection, path: Path, *, version: int = VERSION) -> None:
    """Check that the file is ours and migrate it to this version.

    Raises StoreError for a file of another program or of a newer version; it is left as it was.
    """
    found = version_of(connection, path, version=version)
    while found < version:
        connection.execute("BEGIN IMMEDIATE")
        MIGRATIONS[found](connection)
        found += 1
        connection.execute(f"PRAGMA user_version = {found}")
        connection.execute("COMMIT")


def version_of(connection: sqlite3.Connection, path: Path, *, version: int = VERSION) -> int:
    """The schema's version. Raises StoreError for a file of another program or of a newer version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise StoreError(path, "is not a Tierwall database; name another file with --db")
    if found > version:
        raise StoreError(path, f"has schema version {found}, newer than this Tierwall's {version}; update Tierwall")
    return int(found)


def recreate_typed_tables(connection: sqlite3.Connection) -> None:
    """Drop and create the typed tables after their declarations changed. Call inside a transaction.

    Runs are kept column by column; all other rows can be projected again from the documents.
    """
    kept = connection.execute("SELECT * FROM tierwall_run")
    names = [d[0] for d in kept.description]
    runs = kept.fetchall()
    present = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for name in present & set(tables()):
        connection.execute(f"DROP TABLE {name}")
    create_tables(connection)
    marks = ", ".join("?" * len(names))
    connection.executemany(f"INSERT INTO tierwall_run ({', '.join(names)}) VALUES ({marks})", runs)
    connection.execute("DELETE FROM projection")
