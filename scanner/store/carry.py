"""What earlier snapshots read and this collection was to read and could not: brought over as stale, hence unknown.

A scope that is not asked at all is out of scope. Where the parts of an account or a folder could not be listed, though,
the whole stands for them: it was asked, and which parts there are is what was refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from scanner.store.stage import Stage
from scanner.tables import Gap, Requested, Scope, table

if TYPE_CHECKING:
    from scanner.store.store import Store

Lost = dict[tuple[str, str], Gap]  # scope and table → why the table was not listed there


def carry_over(store: Store, stage: Stage) -> None:
    """Bring into the stage every resource that was there and could not be listed this time."""
    estate = stage.flush()
    asked = {(r.scope, r.table_name) for r in estate.rows(Requested)}
    lost = {(g.scope, g.table_name): g for g in estate.rows(Gap, "uid = '' AND column_name = ''")}
    lost = {pair: gap for pair, gap in lost.items() if pair in asked}
    if not lost:
        return
    now = {scope.id: scope for scope in estate.rows(Scope)}
    staged = {uid for (uid,) in estate.connection.execute("SELECT uid FROM staged")}
    gone = {uid: pair for uid, pair in store.open_resources().items() if uid not in staged}
    sought = {pair for pair in gone.values() if pair in lost or pair[0] not in now}
    for number in reversed(store.unpruned()):
        if not sought:
            return
        ledger = store.ledger(number)
        tables = defaultdict(set)
        for row in ledger:
            if isinstance(row, Requested):
                tables[row.scope].add(row.table_name)
        here = {pair for pair in sought if pair[1] in tables[pair[0]]}
        sought -= here
        stale = {pair: lost[pair] for pair in here if pair in lost}
        for scope in ledger:
            if isinstance(scope, Scope) and scope.id not in now and any(pair[0] == scope.id for pair in here):
                stale |= _stood_for(stage, scope, tables[scope.id], now, lost)
        wanted = {uid for uid, pair in gone.items() if pair in here and pair in stale}
        for document in store.documents(number, wanted):
            stage.carry_over(document, stale[gone[document.uid]])


def _stood_for(stage: Stage, scope: Scope, tables: set[str], now: Mapping[str, Scope], lost: Lost) -> Lost:
    """What of an earlier scope a wider one stands for, which is said to the stage: asked for, and not read."""
    wide = {name: gap for (where, name), gap in lost.items() if name in tables and _holds(now[where], scope)}
    if wide:
        stage.scope(scope, [table(name) for name in sorted(wide)])
    for name, gap in sorted(wide.items()):
        stage.gap(Gap(scope=scope.id, table_name=name, reason=gap.reason, call=gap.call, detail=gap.detail))
    return {(scope.id, name): gap for name, gap in wide.items()}


def _holds(wide: Scope, narrow: Scope) -> bool:
    """The one is an account as a whole and the other a region of it; or files that lie in the other's folders."""
    if wide.source != narrow.source or wide.cluster:
        return False
    if wide.account:
        return wide.account == narrow.account and not wide.region
    folders, files = _paths(wide), _paths(narrow)
    return any(file.is_relative_to(folder) for file in files for folder in folders)


def _paths(scope: Scope) -> list[PurePosixPath]:
    """The files or folders that the id of a scope of files names."""
    return [PurePosixPath(path) for path in scope.id.partition("/")[2].split(",")]
