"""tierwall query: read-only SQL over the typed tables of the newest snapshot."""

from __future__ import annotations

import argparse
import contextlib
import json

from scanner.cli import common
from scanner.errors import UsageError

DEADLINE_SECONDS = 60.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `query`."""
    parser.description = (
        "Run one SELECT over the typed tables of the newest snapshot; a JSON object a row. Nothing can be changed by "
        "it. NULL is what could not be read, never what is not set; the table `gap` says why."
    )
    common.database(parser)
    parser.add_argument("sql", metavar="SQL", help="one SELECT over the typed tables; docs/tables.md lists them")


def run(args: argparse.Namespace) -> int:
    """Print one JSON object a row."""
    import sqlite3

    from scanner.rules.sandbox import DeadlineError, Sandbox
    from scanner.safe.terminal import clean
    from scanner.store import Store
    from scanner.tables import tables

    with Store.open(args.db, create=False) as store, contextlib.closing(store.reader()) as connection:
        store.snapshot()
        box = Sandbox(connection, deadline=DEADLINE_SECONDS)
        try:
            names = box.columns(args.sql, tables=tables())
            for record in box.rows(args.sql, {"as_of": 0}, tables=tables()):
                print(clean(json.dumps(dict(zip(names, record, strict=True)), ensure_ascii=True)))
        except (sqlite3.Error, DeadlineError) as e:
            raise UsageError(f"query: {e}; allowed is one SELECT over the typed tables") from e
    return common.CLEAN
