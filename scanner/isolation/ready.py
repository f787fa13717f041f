"""Rows that are values already: making hundreds of thousands of objects would take longer than computing them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scanner.store import Estate
from scanner.store.estate import BATCH
from scanner.tables import Row, Value


class Ready(NamedTuple):
    """A row's values in the order of the table's columns."""

    kind: type[Row]
    values: tuple[Value, ...]


def insert(estate: Estate, rows: Iterable[Row | Ready]) -> None:
    """Add rows to the tables they belong to. A row whose key is taken replaces the older one."""
    estate.insert(_others(estate, rows))


def _others(estate: Estate, rows: Iterable[Row | Ready]) -> Iterator[Row]:
    """Write the rows that are values, and hand on the others."""
    batches: dict[type[Row], list[tuple[Value, ...]]] = {}
    for row in rows:
        if not isinstance(row, Ready):
            yield row
            continue
        batch = batches.setdefault(row.kind, [])
        batch.append(row.values)
        if len(batch) >= BATCH:
            _write(estate, row.kind, batch)
            batch.clear()
    for kind, batch in batches.items():
        _write(estate, kind, batch)


def _write(estate: Estate, kind: type[Row], batch: list[tuple[Value, ...]]) -> None:
    estate.need([kind.table])
    marks = ", ".join("?" * len(kind.columns()))
    estate.connection.executemany(f"INSERT OR REPLACE INTO {kind.table} VALUES ({marks})", batch)
