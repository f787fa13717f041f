"""Pruning gives up the contents of old snapshots; whatever is left can still be proved."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import StoreError, UsageError
from scanner.store import Evaluation, Store, verify
from scanner.store.prune import plan, prune
from scanner.store.schema import VERSION
from scanner.tables import TierwallRun
from scanner.tables.aws_rds import AwsRdsInstance
from tests.support.estates import database, kinds, open_store, publish


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def four(store: Store) -> None:
    """Snapshots that finished at 11, 21, 31, 41: `a` changes in each, `b` goes with the third, `c` stays."""
    for number in range(1, 5):
        rest = [database("b")] if number < 3 else []
        publish(store, database("a", Latest=number, Logs=[f"log-{number}"]), *rest, database("c"), at=number * 10)
        store.keep_evaluation(
            Evaluation(number, 0, "r", "p", "w", "a", "test"), [("rule", "a", "", "fail", f"in {number}", "[]")]
        )


def bodies(store: Store) -> list[int]:
    return sorted(n for (n,) in store.connection.execute("SELECT length(body) > 0 FROM document"))


def test_what_is_left_is_as_it_was_and_verifies(store: Store, tmp_path: Path) -> None:
    four(store)
    before = [store.project(store.snapshot(n), kinds(), tmp_path / f"before-{n}.db") for n in (3, 4)]
    digests = [s.digest for s in store.snapshots()]
    verdicts = [store.verdicts(e) for e in (1, 2, 3, 4)]

    prune(store, 2, "keep 2")

    assert verify(store) == []
    assert [s.digest for s in store.snapshots()] == digests
    assert [store.verdicts(e) for e in (1, 2, 3, 4)] == verdicts
    after = [store.project(store.snapshot(n), kinds(), tmp_path / f"after-{n}.db") for n in (3, 4)]
    assert [e.rows(AwsRdsInstance) for e in after] == [e.rows(AwsRdsInstance) for e in before]
    # a of the third and the fourth, and c; of a in the second and b the hashes alone; a of the first is gone
    assert bodies(store) == [0, 0, 1, 1, 1]
    for estate in (*before, *after):
        estate.close()


def test_what_was_pruned_is_nowhere_in_the_file(store: Store) -> None:
    publish(store, database("a", Logs=["PLANTED-audit"]))
    publish(store, database("a"))
    prune(store, 1, "keep 1")
    store.connection.execute("VACUUM")
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = [body for (body,) in store.connection.execute("SELECT body FROM document")]
    assert sorted(map(len, held))[0] == 0
    assert store.connection.execute("SELECT config, ledger, observed FROM snapshot WHERE id = 1").fetchone() == (
        b"", b"", b"",
    )  # fmt: skip


def test_a_document_that_comes_back_after_it_was_pruned_is_kept_again(store: Store, tmp_path: Path) -> None:
    publish(store, database("a", Encrypted=True))
    publish(store, database("a", Encrypted=False))
    prune(store, 1, "keep 1")
    third = publish(store, database("a", Encrypted=True))

    assert verify(store) == []
    with store.project(third, kinds(), tmp_path / "third.db") as estate:
        assert [r.storage_encrypted for r in estate.rows(AwsRdsInstance)] == [True]


def test_a_pruned_snapshot_is_told_in_one_line_wherever_it_is_asked_for(store: Store) -> None:
    four(store)
    prune(store, 2, "keep 2")
    store.connection.execute("UPDATE prune SET at = 1795615500")
    told = (
        r"snapshot 2 was pruned on 2026-11-25 14:05 UTC: its digest is kept, its contents are gone; there are 3 to 4$"
    )
    with pytest.raises(UsageError, match=told):
        store.snapshot(2)
    with pytest.raises(UsageError, match=told):
        store.snapshot(store.snapshots()[1].digest[:12])
    with pytest.raises(UsageError, match=told):
        store.snapshot_at(25)
    assert store.snapshot().id == 4


def test_the_policy_takes_the_oldest_alone_and_never_the_newest(store: Store) -> None:
    four(store)

    def gone(**policy: float | None) -> list[int]:
        found = plan(store, **{"older_than": None, "keep": 1, **policy})  # type: ignore[arg-type]  # ages and counts
        return [s.id for s in found.snapshots] if found else []

    assert gone(keep=3) == [1]
    assert gone(keep=9) == []
    assert gone(older_than=25.0) == [1, 2]
    assert gone(older_than=25.0, keep=3) == [1]
    assert gone(older_than=1000.0) == [1, 2, 3]
    prune(store, 1, "keep 3")
    assert gone(older_than=25.0) == [2]


def test_every_value_that_pruning_left_is_vouched_for(store: Store) -> None:
    """Each column of each row: none can be changed without `verify` saying so, nor a record be taken away."""
    four(store)
    prune(store, 1, "keep 3")
    prune(store, 2, "keep 2")
    store.keep_run(TierwallRun(scope="tierwall", uid="", operation="prune", started=1))
    assert verify(store) == []

    connection = store.connection
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for table in ("prune", "snapshot", "resource", "document"):
        columns = [r[1] for r in connection.execute(f"PRAGMA table_info({table})")]
        where = " AND ".join(f"{c} IS ?" for c in columns)
        for row in connection.execute(f"SELECT * FROM {table}").fetchall():
            for column, value in zip(columns, row, strict=True):
                for other in others(value):
                    connection.execute("SAVEPOINT flip")
                    connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {where}", [other, *row])
                    assert verify(store), f"{table}.{column} of {row} was changed to {other!r} unnoticed"
                    connection.execute("ROLLBACK TO flip")
            connection.execute("SAVEPOINT flip")
            connection.execute(f"DELETE FROM {table} WHERE {where}", row)
            assert verify(store), f"{row} was taken from {table} unnoticed"
            connection.execute("ROLLBACK TO flip")
    assert verify(store) == []


def others(value: object) -> list[object]:
    if isinstance(value, bytes):
        return [value[:-1] + bytes([value[-1] ^ 1]), b""] if value else [b"x"]
    if value is None:
        return [1, 2, 3, 4]
    if isinstance(value, int):
        return [n for n in (1, 2, 3, 4) if n != value]
    return [value + 1] if isinstance(value, float) else [f"{value}x"]


@pytest.mark.slow
@settings(max_examples=25)
@given(
    estates=st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=3), min_size=3, max_size=6),
    prunings=st.lists(st.integers(1, 5), max_size=3),
)
def test_no_history_and_no_pruning_breaks_what_is_left(
    tmp_path_factory: pytest.TempPathFactory, estates: list[list[tuple[str, bool]]], prunings: list[int]
) -> None:
    with open_store(tmp_path_factory.mktemp("law")) as store:
        seen = []
        for number, estate in enumerate(estates, 1):
            publish(store, *(database(name, Encrypted=on) for name, on in dict(estate).items()))
            seen.append({d.uid: d.parts for d in store.documents(number)})
            going = plan(store, older_than=None, keep=prunings[number % len(prunings)]) if prunings else None
            if going:
                prune(store, going.upto, "law")
        pruned = store.pruned()
        left = range(pruned.upto + 1 if pruned else 1, len(estates) + 1)

        assert verify(store) == []
        assert [{d.uid: d.parts for d in store.documents(n)} for n in left] == [seen[n - 1] for n in left]


def test_a_database_of_the_first_schema_is_brought_up_and_keeps_what_it_has(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        four(store)
        store.connection.execute("DROP TABLE prune")
        store.connection.execute("DROP TABLE journal")
        store.connection.execute("PRAGMA user_version = 1")
    with open_store(tmp_path) as store:
        assert verify(store) == []
        assert store.connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        prune(store, 3, "keep 1")
        assert verify(store) == []


def test_a_migration_that_is_cut_short_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path) as store:
        four(store)
        store.connection.execute("DROP TABLE prune")
        store.connection.execute("DROP TABLE journal")
        store.connection.execute("PRAGMA user_version = 1")

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE prune (id INTEGER)")
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("scanner.store.schema.MIGRATIONS", {1: half})
        with pytest.raises(StoreError, match="the disk is full; nothing was changed"):
            open_store(tmp_path)
    with open_store(tmp_path) as store:
        assert verify(store) == []
