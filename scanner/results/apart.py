"""What runs and what is only written as code are judged apart, even where one snapshot holds both.

A trail that a plan would create is no evidence that an account has one, and code that was not read hides nothing of
the account. So neither side's rows and gaps count when the other is judged.
"""

from __future__ import annotations

import contextlib
import heapq
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.rules import Verdict, run
from scanner.store import Estate
from scanner.tables import Call, Gap, Placed, Requested, Scope, tables

if TYPE_CHECKING:
    from scanner.results.evaluate import Policy
    from scanner.rules.state import Overrides

CODE = ("terraform", "manifests", "cloudformation")
_LEDGER = {Scope: "id", Requested: "scope", Call: "scope", Gap: "scope"}


def judged(estate: Estate, policy: Policy, as_of: int, parameters: Overrides) -> Iterator[Verdict]:
    """The verdicts on both, in the order of rule, uid and discriminator."""
    scopes = estate.rows(Scope)
    code, running = ([scope.id for scope in scopes if (scope.source in CODE) is side] for side in (True, False))
    if not code or not running:
        yield from run(estate, policy.rules.values(), as_of, parameters)
        return
    with tempfile.TemporaryDirectory(prefix="tierwall-") as folder, contextlib.ExitStack() as parts:
        both = [
            parts.enter_context(_part(estate, Path(folder) / f"{name}.db", policy, name, code))
            for name in ("IN", "NOT IN")
        ]
        yield from heapq.merge(*(run(part, policy.rules.values(), as_of, parameters) for part in both))


def _part(estate: Estate, path: Path, policy: Policy, side: str, code: Collection[str]) -> Estate:
    """An estate with what is, or is not, of the scopes of code, as far as the rules read it."""
    part = Estate.create(path, sparse=True)
    read = {table for rule in policy.rules.values() for table in rule.compiled.tables}
    part.need(read)
    connection = part.connection
    connection.execute("ATTACH ? AS whole", [str(estate.path)])
    connection.execute("BEGIN")
    connection.execute("CREATE TEMP TABLE code (id TEXT PRIMARY KEY)")
    connection.executemany("INSERT INTO code VALUES (?)", [(scope,) for scope in code])
    for name, kind in tables().items():
        if name in part.absent or name in estate.absent:
            continue
        scope = _LEDGER.get(kind, "scope" if issubclass(kind, Placed) else "")
        where = f"WHERE {scope} {side} (SELECT id FROM code)" if scope else ""  # noqa: S608  # our own names
        connection.execute(f"INSERT INTO main.{name} SELECT * FROM whole.{name} {where}")  # noqa: S608  # declared names
    connection.execute("COMMIT")
    connection.execute("DETACH whole")
    return part
