"""What a run knows of the estate before it judges: scopes, what was asked of each, gaps, and the environments."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from scanner.rules.compile import TIE, Compiled
from scanner.rules.rule import Rule
from scanner.rules.verdict import Because
from scanner.tables import Derived, Value, tables

# environment or tier → rule → parameter → value: what a user's policy sets instead of a rule's defaults
Overrides = Mapping[str, Mapping[str, Mapping[str, Value]]]
_ALWAYS_ASKED = "tierwall_"  # tables that the scanner fills itself


class Place(NamedTuple):
    """Where a scope is."""

    account: str
    region: str
    cluster: str


@dataclass
class State:
    """Read once a run, on a connection of the engine's own: no text of a rule is ever run on it."""

    connection: sqlite3.Connection
    scopes: Mapping[str, Place]
    requested: Mapping[str, frozenset[str]]  # table → scopes
    gaps: Mapping[str, Sequence[Because]]  # by table, each as the reason it may become
    tiers: Mapping[str, str | None]  # by environment
    overrides: Overrides = field(default_factory=dict)
    _scopes_of: dict[str, frozenset[str]] = field(default_factory=dict)
    _absent: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: sqlite3.Connection, overrides: Overrides | None = None) -> State:
        requested: dict[str, set[str]] = {}
        for scope, table in connection.execute("SELECT scope, table_name FROM requested"):
            requested.setdefault(table, set()).add(scope)
        gaps: dict[str, list[Because]] = {}
        columns = "reason, table_name, column_name, uid, scope, call, detail"
        for row in connection.execute(f"SELECT {columns} FROM gap ORDER BY scope, uid, {columns}"):
            gaps.setdefault(row[1], []).append(Because(*row))
        return cls(
            connection,
            {row[0]: Place(*row[1:]) for row in connection.execute("SELECT id, account, region, cluster FROM scope")},
            {table: frozenset(scopes) for table, scopes in requested.items()},
            gaps,
            dict(connection.execute("SELECT id, tier FROM environment")),
            overrides or {},
        )

    def asked(self, table: str) -> frozenset[str]:
        """The scopes that were asked for a table; for a derived one, for any of its inputs."""
        if table.startswith(_ALWAYS_ASKED):
            return frozenset({*self.scopes, *self.scopes_of(table)})
        found = set(self.requested.get(table, ()))
        for name in inputs(table):
            found |= self.asked(name)
        return frozenset(found)

    def in_scope(self, table: str) -> bool:
        """The run asked for it somewhere, or it is the scanner's own."""
        return table.startswith(_ALWAYS_ASKED) or bool(self.asked(table))

    def scopes_of(self, table: str) -> frozenset[str]:
        """The scopes that the rows of a table are of."""
        if table not in self._scopes_of:
            rows = self.connection.execute(f"SELECT DISTINCT scope FROM {table}")
            self._scopes_of[table] = frozenset(row[0] for row in rows)
        return self._scopes_of[table]

    def absent(self, table: str) -> frozenset[str]:
        """The uids that have a gap in the table and no row: known to exist, and nothing else."""
        if table not in self._absent:
            self._absent[table] = self.without_row(table, {gap.uid for gap in self.gaps.get(table, ()) if gap.uid})
        return self._absent[table]

    def without_row(self, table: str, uids: Collection[str]) -> frozenset[str]:
        """Those of the uids that have no row in the table."""
        sql = f"SELECT DISTINCT uid FROM {table} WHERE uid IN (SELECT value FROM json_each(?))"
        found = self.connection.execute(sql, (json.dumps(sorted(uids)),))
        return frozenset(uids) - {row[0] for row in found}

    def explained(self, gaps: Iterable[Because]) -> frozenset[Because]:
        """The gaps of single cells that the table itself shows, by NULL where the value is missing.

        A uid has one gap for a column however many rows it has, so any NULL among them is taken for it.
        A gap of a whole scope is shown where all the scope's rows are NULL.
        """
        wanted: dict[tuple[str, str], list[Because]] = {}
        for gap in gaps:
            wanted.setdefault((gap.table, gap.column), []).append(gap)
        found: set[Because] = set()
        for (table, column), several in wanted.items():
            names = json.dumps(sorted({gap.uid for gap in several if gap.uid}))
            of_uids = f"SELECT uid FROM {table} WHERE uid IN (SELECT value FROM json_each(?)) AND {column} IS NULL"
            uids = {row[0] for row in self.connection.execute(of_uids, (names,))}
            scopes = json.dumps(sorted({gap.scope for gap in several if not gap.uid}))
            of_scopes = (
                f"SELECT DISTINCT scope FROM {table} WHERE scope IN (SELECT value FROM json_each(?)) "
                f"AND {column} IS NOT NULL"
            )
            known = {row[0] for row in self.connection.execute(of_scopes, (scopes,))}
            found |= {gap for gap in several if (gap.uid in uids if gap.uid else gap.scope not in known)}
        return frozenset(found)

    def parameters(self, rule: Rule, compiled: Compiled) -> str:
        """The values of the rule's parameters for each environment, as the JSON that its SQL reads."""
        names = compiled.parameter_names
        if not names:
            return "[]"
        rows: list[list[Value]] = []
        for environment, tier in sorted(self.tiers.items()):
            rows.append([environment, *(self._parameter(rule, name, environment, tier) for name in names)])
        rows.append([TIE, *(self._undecided(rule, name) for name in names)])
        return json.dumps(rows)

    def _parameter(self, rule: Rule, name: str, environment: str, tier: str | None) -> Value:
        if not environment:
            return self._undecided(rule, name)
        for key in (environment, tier or ""):
            override = self.overrides.get(key, {}).get(rule.id, {})
            if name in override:
                return override[name]
        return rule.parameters[name].value(tier)

    def _undecided(self, rule: Rule, name: str) -> Value:
        """What holds wherever the resource may belong to; None where that depends."""
        if any(name in rules.get(rule.id, {}) for rules in self.overrides.values()):
            return None
        return rule.parameters[name].value(None)


def inputs(table: str) -> tuple[str, ...]:
    """The tables that a derived table is computed from; none for the others."""
    declared = tables()[table]
    return declared.inputs if issubclass(declared, Derived) else ()


def inherited(table: str) -> tuple[str, ...]:
    """The inputs whose gaps are the derived table's; none where whoever computes it writes them row by row."""
    declared = tables()[table]
    return declared.inputs if issubclass(declared, Derived) and not declared.writes_gaps else ()
