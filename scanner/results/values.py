"""The values that a rule read of a resource: what makes a verdict, pass or fail, checkable on paper."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from scanner.tables import Child, Environment, Value, tables

if TYPE_CHECKING:
    from scanner.results.model import Subject
    from scanner.rules.rule import Rule


class Values:
    """Reads them from the estate; a whole table at once where every verdict is shown (`whole`)."""

    def __init__(self, connection: sqlite3.Connection, environments: Mapping[str, Environment], *, whole: bool) -> None:
        self._db = connection
        self._environments = environments
        self._whole = whole
        self._rows: tuple[str, dict[str, dict[str, Value]]] = ("", {})  # of one rule, for verdicts come rule by rule

    def of(self, rule: Rule, subject: Subject, status: str) -> Mapping[str, Value]:
        """By column, in the order of the table; nothing for a whole scope, or where there is no row.

        Of a rule that is not applicable, what its condition read. Of what is unknown lists are not counted, since they
        may lack what was not read.
        """
        if subject.is_scope:
            return {}
        found = self._own(rule, subject.uid)
        environment = self._environments.get(subject.environment or "")
        if environment is not None:
            thresholds = [name for name in environment.columns() if name in rule.compiled.environment]
            found = found | {f"environment.{name}": getattr(environment, name) for name in thresholds}
        if status == "not_applicable":
            return {name: value for name, value in found.items() if _is_in_condition(rule, name)}
        if status == "unknown":
            return {name: value for name, value in found.items() if not name.startswith("count(")}
        return found

    def _own(self, rule: Rule, uid: str) -> dict[str, Value]:
        if not self._whole:
            return dict(next(self._read(rule, uid), ("", {}))[1])
        if self._rows[0] != rule.id:
            self._rows = (rule.id, dict(self._read(rule)))
        return self._rows[1].get(uid, {})

    def _read(self, rule: Rule, uid: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        """(uid, values) of one resource, or of all. A boolean is a boolean again."""
        table = tables()[rule.resource]
        own = [column for column in table.columns().values() if column.name in rule.compiled.reads]
        lists = sorted(
            {o.table for o in rule.compiled.others if o.within == "resource" and issubclass(tables()[o.table], Child)}
        )
        names = [*(column.name for column in own), *(f"count({name})" for name in lists)]
        if not names:
            return
        shown = [f"r.{column.name}" for column in own]
        shown += [f"(SELECT count(*) FROM {name} AS c WHERE c.uid = r.uid)" for name in lists]  # noqa: S608  # declared
        where, bound = (" WHERE r.uid = ?", (uid,)) if uid else ("", ())
        booleans = {column.name for column in own if column.type is bool}
        sql = f"SELECT r.uid, {', '.join(shown)} FROM {rule.resource} AS r{where}"  # noqa: S608  # declared names
        for name, *values in self._db.execute(sql, bound):
            yield (
                name,
                {
                    column: bool(value) if column in booleans and value is not None else value
                    for column, value in zip(names, values, strict=True)
                },
            )


def _is_in_condition(rule: Rule, name: str) -> bool:
    return name in rule.compiled.when_reads or (name.startswith("environment.") and name in rule.when)
