"""A plan laid over a snapshot of what runs: the estate as it will be after the apply, as far as anyone can tell.

What the plan creates, changes or deletes is taken from it; what it leaves alone stays as it was read. Where the plan
does not know a value that only the running system has, a resource that is changed in place keeps the one it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scanner.collectors.terraform.collect import Outcome
from scanner.collectors.terraform.reading import OUTSIDE_DETAIL, RUNNING
from scanner.store import Estate
from scanner.tables import Call, Child, Gap, Kinds, Placed, Requested, Scope, numbered, tables


def lay(planned: Estate, over: Estate, plans: Sequence[Outcome], kinds: Kinds) -> None:
    """Change the estate of a snapshot into what it will be after the plans are applied."""
    connection = over.connection
    connection.execute("BEGIN")
    shift = _last_call(over)
    _ledger(planned, over, shift)
    changed = {uid for plan in plans for uid in plan.changed}
    new = {uid for plan in plans for uid in plan.new}
    known = _known(over)
    for uid, kind in planned.connection.execute("SELECT uid, kind FROM staged ORDER BY uid").fetchall():
        if uid in changed or uid not in known:
            keeps = uid in known and uid not in new
            _resource(planned, over, uid, kinds[kind].tables, keeps=keeps, shift=shift)
    for plan in plans:
        for uid in plan.deleted:
            _forget(over, uid, [kind for kind in tables().values() if issubclass(kind, Placed)])
    connection.execute("COMMIT")


def _known(over: Estate) -> set[str]:
    """Every uid that the snapshot has a row or a gap of."""
    found = {row.uid for row in over.rows(Gap) if row.uid}
    for name, kind in tables().items():
        if issubclass(kind, Placed) and name not in over.absent and not name.startswith("tierwall_"):
            found |= {uid for (uid,) in over.connection.execute(f"SELECT DISTINCT uid FROM {name}")}  # noqa: S608
    return found


def _ledger(planned: Estate, over: Estate, shift: int) -> None:
    """Scopes, requests, calls after those there are, and the gaps that are of no single resource."""
    over.insert(planned.rows(Scope))
    over.insert(planned.rows(Requested))
    over.insert(_shifted(planned.rows(Call), "id", shift))
    over.insert(_shifted((gap for gap in planned.rows(Gap) if not gap.uid), "call", shift))


def _last_call(over: Estate) -> int:
    (last,) = over.connection.execute("SELECT coalesce(max(id), 0) FROM call").fetchone()
    return int(last)


def _shifted(rows: Iterable[Any], column: str, by: int) -> Iterator[Any]:
    for row in rows:
        if getattr(row, column):
            setattr(row, column, getattr(row, column) + by)
        yield row


def _resource(
    planned: Estate, over: Estate, uid: str, kinds: Sequence[type[Placed]], *, keeps: bool, shift: int
) -> None:
    """One resource's rows and gaps. `keeps`: what the plan cannot know stays as it runs."""
    gaps = list(_shifted(planned.rows(Gap, "uid = ?", uid), "call", shift))
    for kind in kinds:
        mine = [gap for gap in gaps if gap.table_name == kind.table]
        open_ = {gap.column_name for gap in mine if keeps and _only_running(gap)}
        rows, was = planned.rows(kind, "uid = ?", uid), over.rows(kind, "uid = ?", uid)
        kept = [gap for gap in _gaps(over, uid, kind) if gap.column_name in open_]
        _forget(over, uid, [kind])
        if issubclass(kind, Child):
            merged = {_content(row): row for row in (*(was if "" in open_ else ()), *rows)}
            over.insert(numbered(row for row in merged.values() if isinstance(row, Child)))
        else:
            over.insert(_filled(row, was[0] if was else None, open_) for row in rows)
        over.insert(kept)
        taken = open_ if was or issubclass(kind, Child) else set()
        over.insert(gap for gap in mine if gap.column_name not in taken)


def _only_running(gap: Gap) -> bool:
    """The plan does not say it because it is no business of the plan's: it stays as it is."""
    return gap.detail == RUNNING.detail or gap.detail.endswith(OUTSIDE_DETAIL)


def _filled(row: Placed, was: Placed | None, names: Iterable[str]) -> Placed:
    if was is not None:
        for name in names:
            if name and getattr(row, name) is None:
                setattr(row, name, getattr(was, name))
    return row


def _content(row: Placed) -> tuple[Any, ...]:
    """What a row of a list says, wherever it was read and at whatever place of the list."""
    said: Mapping[str, Any] = asdict(row)
    place = {"ordinal", "scope", "source", "file", "line", "name"}
    return tuple(value for name, value in said.items() if name not in place)


def _gaps(over: Estate, uid: str, kind: type[Placed]) -> list[Gap]:
    return over.rows(Gap, "uid = ? AND table_name = ?", uid, kind.table)


def _forget(over: Estate, uid: str, kinds: Iterable[type[Placed]]) -> None:
    for kind in kinds:
        if kind.table not in over.absent:
            over.connection.execute(f"DELETE FROM {kind.table} WHERE uid = ?", [uid])  # noqa: S608  # declared
            over.connection.execute("DELETE FROM gap WHERE uid = ? AND table_name = ?", [uid, kind.table])
