"""tierwall query: read-only SQL over the typed tables of the newest snapshot."""

from __future__ import annotations

import argparse
import json

from scanner.cli import common
from scanner.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `query`."""
    common.database(parser)
    parser.add_argument("sql", metavar="SQL", help="one SELECT; tables: see `.schema` in docs/tables.md")


def run(args: argparse.Namespace) -> int:
    """Print one JSON object a row."""
    import sqlite3

    from scanner.rules.sandbox import reading
    from scanner.safe.terminal import clean
    from scanner.store import Store

    with Store.open(args.db, create=False) as store:
        store.snapshot()
        with reading(store.path) as connection:
            try:
                found = connection.execute(args.sql)
                names = [d[0] for d in found.description or ()]
                for record in found:
                    print(clean(json.dumps(dict(zip(names, record, strict=True)), ensure_ascii=True)))
            except sqlite3.Error as e:
                raise UsageError(f"query: {e}; only a SELECT over the typed tables is allowed") from e
    return common.CLEAN
