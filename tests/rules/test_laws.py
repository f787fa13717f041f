"""Laws of the engine: knowing less never makes it certain of something else.

Small estates and rules are made up, then something that was read is taken away, as refusals do: a cell, rows, a
listing, an assignment. Each verdict then stays what it was or becomes unknown, and none disappears unnoticed.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scanner.rules import Rule
from scanner.rules.evaluation import judge
from scanner.rules.sandbox import Timed
from scanner.rules.state import State
from scanner.tables import Assignment, Environment, Gap, Requested, Row, tables
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


@dataclasses.dataclass
class World:
    rows: list[Any]
    gaps: list[Gap]
    assignments: dict[str, str | None]

    def copy(self) -> World:
        return World([dataclasses.replace(row) for row in self.rows], list(self.gaps), dict(self.assignments))


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
    return World(rows, [], {uid: draw(st.sampled_from(["live", "live", "test", "", None])) for uid in sorted(subjects)})


def degrade(draw: Draw, world: World) -> World:
    """The same estate with less of it read, and what was not read said."""
    less = world.copy()
    reason = draw(st.sampled_from(["denied", "stale", "after_apply"]))
    match draw(st.sampled_from(["cell", "cell", "column", "rows", "rows", "listing", "listing", "assignment"])):
        case "cell":
            row = draw(st.sampled_from(less.rows))
            name = draw(st.sampled_from([c.name for c in row.columns().values() if c.nullable and c.name != "name"]))
            said = draw(st.booleans())
            if reason != "stale" or not said:  # what is stale still has its old value
                setattr(row, name, None)
            if said:
                less.gaps.append(gap(row.table, name, uid=row.uid, scope=row.scope, reason=reason))
        case "column":
            row = draw(st.sampled_from(less.rows))
            name = draw(
                st.sampled_from(["multi_az", "port", "engine", "log_name", "mfa_delete", "created", "kms_key_uid"])
            )
            if name in row.columns():
                for other in less.rows:
                    if other.table == row.table and other.scope == row.scope:
                        setattr(other, name, None)
                less.gaps.append(gap(row.table, name, scope=row.scope, reason=reason))
        case "rows":
            row = draw(st.sampled_from(less.rows))
            if reason != "stale":
                less.rows = [r for r in less.rows if not (r.table == row.table and r.uid == row.uid)]
            less.gaps.append(gap(row.table, uid=row.uid, scope=row.scope, reason=reason))
        case "listing":
            kind, where = draw(st.sampled_from(JUDGED)), draw(st.sampled_from(SCOPES))
            less.rows = [r for r in less.rows if not (r.table == kind.table and r.scope == where)]
            less.gaps.append(gap(kind.table, scope=where, reason=reason))
        case "assignment":
            less.assignments[draw(st.sampled_from(sorted(less.assignments)))] = None
    return less


def evaluate(of: Rule, world: World) -> dict[str, str]:
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
        live = {"cache_required": True, "password_min_length": 1}
        rows: list[Row] = [
            *world.rows, *world.gaps, *(scope(name) for name in SCOPES), Environment(id=""),
            *(Assignment(uid=uid, environment=name) for uid, name in world.assignments.items()),
            *(Requested(scope=name, table_name=kind.table) for name in SCOPES for kind in JUDGED),
            Environment(id="live", tier="production", **live), Environment(id="test", tier="staging"),
        ]  # fmt: skip
        for row in rows:
            marks = ", ".join("?" * len(row.columns()))
            db.execute(f"INSERT OR IGNORE INTO {row.table} VALUES ({marks})", row.values())
        return {v.uid: v.status for v in judge(of, State.read(db), Timed(db), 0) if v.because or v.status != "unknown"}


@given(rules(), worlds(), st.data())
def test_knowing_less_is_never_certain_of_something_else(of: Rule, world: World, data: st.DataObject) -> None:
    before = evaluate(of, world)
    less = degrade(data.draw, world)
    if data.draw(st.booleans()) and less.rows:
        less = degrade(data.draw, less)

    after = evaluate(of, less)

    scopes = {row.uid: row.scope for row in world.rows if isinstance(row, AwsRdsInstance)}
    assert set(before) == set(scopes)
    for uid, status in before.items():
        now = after.get(uid) or after.get(f"scope:{scopes[uid]}")
        assert now in (status, "unknown"), (uid, status, now)


@given(rules(), worlds())
def test_every_unknown_has_a_reason(of: Rule, world: World) -> None:
    """`evaluate` leaves out an unknown without one, so that its subject would be missing here."""
    assert set(evaluate(of, world)) == {row.uid for row in world.rows if isinstance(row, AwsRdsInstance)}
