"""Laws of the engine: knowing less never makes it certain of something else.

Small estates and rules are made up, then something that was read is taken away, as refusals do: a cell, rows, a
listing, an assignment. Each verdict then stays what it was or becomes unknown, and none disappears unnoticed.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from scanner.rules import Rule
from scanner.rules.evaluation import judge
from scanner.rules.sandbox import Timed
from scanner.rules.state import State
from scanner.tables import Assignment, Environment, Gap, Placed, Requested, Row, tables
from scanner.tables.aws_rds import AwsRdsInstance, AwsRdsLogExport
from scanner.tables.aws_s3 import AwsS3Bucket
from tests.support.rules import ACCOUNT, OTHER, gap, placed, rule, scope

SCOPES = (f"aws/{ACCOUNT}/eu-west-1", f"aws/{ACCOUNT}/eu-north-1", f"aws/{ACCOUNT}/global", f"aws/{OTHER}/eu-west-1")
JUDGED = (AwsRdsInstance, AwsRdsLogExport, AwsS3Bucket)
# Mostly known: where all is unknown from the start, nothing can go wrong.
BOOLS = st.sampled_from([True, False, True, False, True, False, None])
NUMBERS = st.sampled_from([0, 1, 2, 0, 1, 2, None])
TEXTS = st.sampled_from(["a", "b", "a", "b", None])

Draw = Callable[[st.SearchStrategy[Any]], Any]


class World(NamedTuple):
    """What was read, and which environment each subject is in."""

    rows: list[Any]
    assignments: dict[str, str | None]


# Rules


def conditions(atoms: Sequence[str]) -> st.SearchStrategy[str]:
    """Expressions that carry NULL through, as the lint asks of a rule."""
    return st.recursive(
        st.sampled_from(atoms),
        lambda inner: st.one_of(
            inner.map("not ({})".format),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
            st.tuples(inner, inner, inner).map(
                lambda t: f"case when {t[0]} then ({t[1]}) when not ({t[0]}) then ({t[2]}) end"
            ),
        ),
        max_leaves=4,
    )


SUBJECT = ["multi_az", "r.storage_encrypted", "port > 0", "port = 1", "engine = 'a'", "engine <> kms_key_uid"]
CONTEXT = ["environment.cache_required", "r.port > environment.password_min_length", "r.port < parameter.most"]
BUCKET = ["c.mfa_delete", "c.versioning_enabled", "c.created > r.port", "c.kms_key_uid = r.engine", "c.created = 1"]
LOG = ["log_name = 'a'", "log_name <> r.engine", "c.log_name in ('a', 'b')"]
SELF = ["c.multi_az", "c.engine = r.engine", "c.uid <> r.uid"]
PARAMETERS = {"most": {"default": 1, "production": 2, "description": "d"}}


def quantifiers() -> st.SearchStrategy[dict[str, Any]]:
    def about(atoms: list[str]) -> st.SearchStrategy[str]:
        """Beside what else is asked, something of the rows themselves."""
        alone = st.sampled_from(atoms)
        joined = st.tuples(alone, st.sampled_from(["and", "or"]), conditions([*atoms, *CONTEXT]))
        return st.one_of(alone, alone, joined.map(lambda t: f"{t[0]} {t[1]} ({t[2]})"))

    def of(table: str, atoms: list[str], places: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"of": st.just(table), "where": about(atoms), "within": st.sampled_from(places)})

    places = ["", "account", "region"]
    return st.one_of(
        of("aws_s3_bucket", BUCKET, places),
        of("aws_rds_log_export", LOG, ["resource", *places]),
        of("aws_rds_instance", SELF, places),
    )


@st.composite
def rules(draw: Draw) -> Rule:
    parts: dict[str, Any] = {}
    for kind in draw(st.sampled_from([[], ["none"], ["any"], ["all"], ["none", "any"]])):
        parts[kind] = draw(quantifiers())
    if not parts or draw(st.booleans()):
        parts["require"] = draw(conditions([*SUBJECT, *CONTEXT]))
    if draw(st.integers(0, 2)) == 0:
        parts["when"] = draw(conditions([*SUBJECT, *CONTEXT]))
    sql = json.dumps(parts)
    return rule(**parts, parameters=PARAMETERS if "parameter.most" in sql else {})


# Estates


@st.composite
def worlds(draw: Draw) -> World:
    rows: list[Any] = []
    for n in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from([SCOPES[0], SCOPES[1], SCOPES[3]]))
        rows.append(
            placed(
                AwsRdsInstance, f"db{n}", where, multi_az=draw(BOOLS), storage_encrypted=draw(BOOLS),
                port=draw(NUMBERS), engine=draw(TEXTS), kms_key_uid=draw(TEXTS),
            )
        )  # fmt: skip
        rows += [
            placed(AwsRdsLogExport, f"db{n}", where, ordinal=k, log_name=draw(TEXTS))
            for k in range(draw(st.integers(0, 2)))
        ]
    for n in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from(SCOPES))
        given_region = {"region": "eu-west-1"} if where.endswith("global") and draw(st.booleans()) else {}
        rows.append(
            placed(
                AwsS3Bucket, f"b{n}", where, mfa_delete=draw(BOOLS), versioning_enabled=draw(BOOLS),
                created=draw(NUMBERS), kms_key_uid=draw(TEXTS), **given_region,
            )
        )  # fmt: skip
    subjects = {row.uid for row in rows if isinstance(row, AwsRdsInstance)}
    return World(rows, {uid: draw(st.sampled_from(["live", "live", "test", "", None])) for uid in sorted(subjects)})


# What is taken away

OTHERS = {"a": "b", "b": "a", ACCOUNT: OTHER, OTHER: ACCOUNT}


class Loss(NamedTuple):
    """Something that was not read, and what is said of it."""

    what: str
    statements: tuple[tuple[str, tuple[object, ...]], ...]


def losses(of: Rule, world: World) -> Iterator[Loss]:
    """Every single thing that a refusal could take from what the rule reads."""
    compiled = of.compiled
    read = {compiled.resource: set(compiled.reads)}
    for other in compiled.others:
        read.setdefault(other.table, set()).update(other.columns)
    for row in world.rows:
        columns = sorted(name for name in read.get(row.table, ()) if row.columns()[name].nullable)
        for name in columns:
            yield from _cell_losses(row, name)
        if row.table in read:
            gone = f"DELETE FROM {row.table} WHERE uid = ?", (row.uid,)
            yield Loss(f"{row.table} {row.uid}", (gone, _said(gap(row.table, uid=row.uid, scope=row.scope))))
            changed = [name for name in columns if name not in ("account", "region")]  # what is stale has not moved
            others = [_set(row, name, _another(getattr(row, name))) for name in changed]
            stale = gap(row.table, uid=row.uid, scope=row.scope, reason="stale")
            yield Loss(f"{row.table} {row.uid} is old", (*others, _said(stale)))
    for table, where in itertools.product(sorted(read), SCOPES):
        gone = f"DELETE FROM {table} WHERE scope = ?", (where,)
        yield Loss(f"{table} in {where}", (gone, _said(gap(table, scope=where))))
        for name in sorted(read[table]):
            if tables()[table].columns()[name].nullable:
                emptied = f"UPDATE {table} SET {name} = NULL WHERE scope = ?", (where,)
                yield Loss(f"{table}.{name} in {where}", (emptied, _said(gap(table, name, scope=where))))
    for table in sorted(set(read) - {compiled.resource}):
        unasked = "DELETE FROM requested WHERE table_name = ?", (table,)
        yield Loss(f"{table} everywhere", ((f"DELETE FROM {table}", ()), unasked))
    for uid in world.assignments:
        yield Loss(f"where {uid} belongs", (("UPDATE assignment SET environment = NULL WHERE uid = ?", (uid,)),))


def _cell_losses(row: Placed, name: str) -> Iterator[Loss]:
    cell = f"{row.table}.{name} of {row.uid}"
    yield Loss(cell, (_set(row, name, None),))
    for reason in ("denied", "stale"):
        said = _said(gap(row.table, name, uid=row.uid, scope=row.scope, reason=reason))
        yield Loss(f"{cell} is {reason}", (_set(row, name, None), said))
        yield Loss(f"{cell} is {reason} and wrong", (_set(row, name, _another(getattr(row, name))), said))


def _set(row: Placed, name: str, value: object) -> tuple[str, tuple[object, ...]]:
    keys = " AND ".join(f"{key} = ?" for key in row.key)
    return f"UPDATE {row.table} SET {name} = ? WHERE {keys}", (value, *(getattr(row, key) for key in row.key))


def _said(lost: Gap) -> tuple[str, tuple[object, ...]]:
    return f"INSERT OR IGNORE INTO gap VALUES ({', '.join('?' * len(lost.columns()))})", lost.values()


def _another(value: object) -> object:
    """What it was before, where it is stale now."""
    if isinstance(value, bool):
        return not value
    return (value + 1) % 3 if isinstance(value, int) else OTHERS.get(value, value)


# The laws


@contextmanager
def database(world: World) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for name in (
            "scope",
            "requested",
            "call",
            "gap",
            "environment",
            "assignment",
            *(kind.table for kind in JUDGED),
        ):
            db.execute(tables()[name].ddl())
        rows: list[Row] = [
            *world.rows, *(scope(name) for name in SCOPES), Environment(id=""), Environment(id="test", tier="staging"),
            Environment(id="live", tier="production", cache_required=True, password_min_length=1),
            *(Assignment(uid=uid, environment=name) for uid, name in world.assignments.items()),
            *(Requested(scope=name, table_name=kind.table) for name in SCOPES for kind in JUDGED),
        ]  # fmt: skip
        for row in rows:
            marks = ", ".join("?" * len(row.columns()))
            db.execute(f"INSERT INTO {row.table} VALUES ({marks})", row.values())
        yield db


def judged(of: Rule, db: sqlite3.Connection) -> dict[str, str]:
    """The statuses; an unknown that has no reason is left out, and missed."""
    found = judge(of, State.read(db), Timed(db), 0)
    return {v.uid: v.status for v in found if v.because or v.status != "unknown"}


@given(rules(), worlds(), st.data())
def test_knowing_less_is_never_certain_of_something_else(of: Rule, world: World, data: st.DataObject) -> None:
    scopes = {row.uid: row.scope for row in world.rows if isinstance(row, AwsRdsInstance)}
    single = list(losses(of, world))
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(single), st.sampled_from(single)), max_size=8))
    with database(world) as db:
        before = judged(of, db)
        assert set(before) == set(scopes)
        for lost in [*((loss,) for loss in single), *pairs]:
            db.execute("BEGIN")
            for statement, values in itertools.chain(*(loss.statements for loss in lost)):
                db.execute(statement, values)
            after = judged(of, db)
            db.execute("ROLLBACK")

            for uid, status in before.items():
                now = after.get(uid) or after.get(f"scope:{scopes[uid]}")
                assert now in (status, "unknown"), (
                    f"without {[loss.what for loss in lost]} {uid} is {now}, not {status}"
                )
