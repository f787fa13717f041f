"""What may reach what: policies evaluated and edges found, once for an estate, into derived tables that rules read.

A derivation declares the tables it writes, with their inputs, and writes the gaps that its rows inherit.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from scanner.isolation.ready import Ready, insert

if TYPE_CHECKING:
    from scanner.store import Estate
    from scanner.tables import Derived, Row


class Derivation(Protocol):
    """A module that computes derived tables."""

    TABLES: tuple[type[Derived], ...]

    def rows(self, estate: Estate) -> Iterator[Row | Ready]:
        """Rows of these tables, and the gaps of these rows. Reads only."""
        ...


# In order: a derivation may read the tables of those before it.
_MODULES = (
    "scanner.isolation.aws.changes",
    "scanner.isolation.kubernetes.access",
    "scanner.isolation.kubernetes.references",
    "scanner.isolation.kubernetes.publications",
    "scanner.isolation.kubernetes.care",
    "scanner.isolation.kubernetes.sharing",
    "scanner.isolation.kubernetes.network",
)


def derive(estate: Estate) -> None:
    """Fill the derived tables of an estate whose environments are assigned; what an earlier call wrote is replaced."""
    with estate.at_once():
        for name in _MODULES:
            module: Derivation = import_module(name)
            if not _is_asked(estate, module):
                continue
            for kind in module.TABLES:
                estate.need([kind.table])
                estate.connection.execute(f"DELETE FROM {kind.table}")
                estate.connection.execute("DELETE FROM gap WHERE table_name = ?", [kind.table])
            insert(estate, module.rows(estate))


def _is_asked(estate: Estate, module: Derivation) -> bool:
    """Some scope was asked for an input, or there are rows of an earlier call."""
    names = sorted({name for kind in module.TABLES for name in (kind.table, *kind.inputs)})
    marks = ", ".join("?" * len(names))
    found = estate.connection.execute(f"SELECT 1 FROM requested WHERE table_name IN ({marks}) LIMIT 1", names)
    return found.fetchone() is not None
