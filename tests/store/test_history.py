"""What the store keeps of one snapshot after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.drift import Field, ResourceChange, compare
from scanner.errors import StoreError, UsageError
from scanner.store import Evaluation, Store, verify
from scanner.store.codec import pack, unpack
from scanner.tables import Gap, Scope, TierwallRun
from scanner.tables.aws_rds import AwsRdsInstance, AwsRdsLogExport
from tests.support.estates import OTHER, database, kinds, open_store, publish


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def history(store: Store) -> list[tuple[str, int, int]]:
    found = store.connection.execute("SELECT uid, first, until FROM resource ORDER BY uid, first")
    return sorted((uid.rpartition(":")[2], first, until or 0) for uid, first, until in found)


def test_an_unchanged_resource_keeps_one_row_of_history(store: Store) -> None:
    publish(store, database("a"))
    publish(store, database("a"))
    assert history(store) == [("a", 1, 0)]


def test_a_changed_resource_closes_one_row_and_opens_another(store: Store) -> None:
    publish(store, database("a"))
    publish(store, database("a", Encrypted=False))
    assert history(store) == [("a", 1, 2), ("a", 2, 0)]


def test_a_resource_that_is_gone_from_a_scope_that_was_read_is_closed(store: Store) -> None:
    publish(store, database("a"), database("b"))
    publish(store, database("b"))
    assert history(store) == [("a", 1, 2), ("b", 1, 0)]


def test_a_resource_of_a_refused_listing_is_stale_and_not_gone(store: Store, tmp_path: Path) -> None:
    kept = database("a", OTHER)
    publish(store, database("b"), kept)
    second = publish(store, database("b"), refused=OTHER)

    assert history(store) == [("a", 1, 0), ("b", 1, 0)]
    with store.project(second, kinds(), tmp_path / "projected.db") as estate:
        assert {r.name for r in estate.rows(AwsRdsInstance)} == {"a", "b"}
        assert [(g.table_name, g.reason) for g in estate.rows(Gap, "uid = ?", kept.uid)] == [
            ("aws_rds_instance", "stale")
        ]


def test_volatile_values_are_no_change_but_are_shown(store: Store, tmp_path: Path) -> None:
    first = publish(store, database("a", Latest=100))
    second = publish(store, database("a", Latest=200))

    assert history(store) == [("a", 1, 0)]
    for snapshot, latest in ((first, 100), (second, 200)):
        with store.project(snapshot, kinds(), tmp_path / f"{snapshot.id}.db") as estate:
            assert [r.latest_restorable_time for r in estate.rows(AwsRdsInstance)] == [latest]


def test_the_typed_tables_hold_the_newest_snapshot_as_a_projection_does(store: Store, tmp_path: Path) -> None:
    publish(store, database("a"), database("b", Logs=["audit", "slow"]))
    newest = publish(store, database("a", Encrypted=None), database("c"))
    with store.estate(newest, kinds(), tmp_path) as held, store.project(newest, kinds(), tmp_path / "p.db") as made:
        for table in (AwsRdsInstance, AwsRdsLogExport, Gap):
            assert held.rows(table) == made.rows(table)


def test_a_secret_is_nowhere_in_the_file(store: Store) -> None:
    publish(store, database("a", Password="PLANTED-hunter2-PLANTED"), database("b", Password="PLANTED-hunter2-PLANTED"))
    first, second = (r.endpoint for r in store_rows(store))
    assert first == second
    assert first is not None
    assert first.startswith("hm1:")
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"PLANTED" not in store.path.read_bytes()


def store_rows(store: Store) -> list[AwsRdsInstance]:
    from scanner.store import Estate

    return Estate(store.path, store.connection).rows(AwsRdsInstance)


def test_drift_names_the_changed_fields(store: Store) -> None:
    first = publish(store, database("a"), database("b"))
    second = publish(store, database("a", Encrypted=False), database("c"))
    place = "arn:aws:rds:eu-west-1:111111111111:db:"

    assert compare(store, first, second).resources == (
        ResourceChange(f"{place}a", "changed", "test_database", "a", (Field("Describe.Encrypted", True, False),)),
        ResourceChange(f"{place}b", "removed", "test_database", "b"),
        ResourceChange(f"{place}c", "added", "test_database", "c"),
    )


def test_a_refused_listing_is_no_drift(store: Store) -> None:
    first = publish(store, database("a", OTHER))
    second = publish(store, refused=OTHER)
    assert compare(store, first, second).resources == ()
    assert compare(store, first, second).not_comparable == (
        "arn:aws:rds:eu-west-1:222222222222:db:a", "scope:aws/222222222222/eu-west-1",
    )  # fmt: skip


def judgement(snapshot: int) -> Evaluation:
    return Evaluation(snapshot, 0, "r", "p", "w", "a", "test")


def test_verdicts_are_kept_as_history_with_the_time_they_began(store: Store) -> None:
    publish(store, database("a"), at=10)
    publish(store, database("a"), at=20)
    store.keep_evaluation(judgement(1), [("rule", "a", "", "fail", "m", "[]"), ("rule", "b", "", "pass", "", "[]")])
    store.keep_evaluation(judgement(2), [("rule", "a", "", "fail", "m", "[]"), ("rule", "b", "", "fail", "x", "[]")])

    assert store.verdicts(1) == [("rule", "a", "", "fail", "m", "[]"), ("rule", "b", "", "pass", "", "[]")]
    assert store.verdicts(2) == [("rule", "a", "", "fail", "m", "[]"), ("rule", "b", "", "fail", "x", "[]")]
    assert store.first_failed() == {("rule", "a", ""): 11, ("rule", "b", ""): 21}
    assert store.connection.execute("SELECT count(*) FROM verdict").fetchone() == (3,)


def test_a_snapshot_is_read_that_was_kept_before_a_column_of_its_ledger_was_there(store: Store) -> None:
    publish(store, database("a"))
    (packed,) = store.connection.execute("SELECT ledger FROM snapshot").fetchone()
    ledger = unpack(packed)
    ledger["scope"] = [values[:-1] for values in ledger["scope"]]  # without the last column, who read
    store.connection.execute("UPDATE snapshot SET ledger = ?", [pack(ledger)])

    assert {scope.identity for scope in store.ledger(1) if isinstance(scope, Scope)} == {""}


def test_every_changed_value_is_found(store: Store) -> None:
    """Each column of each row that is stored: none can be changed without `verify` saying so."""
    publish(store, database("a", Latest=1), database("b"))
    publish(store, database("a", Encrypted=False, Latest=2), refused=OTHER)
    store.keep_evaluation(judgement(1), [("rule", "a", "", "fail", "m", "[]"), ("rule", "b", "", "pass", "", "[]")])
    store.keep_evaluation(judgement(2), [("rule", "a", "", "pass", "", "[]")])
    store.keep_run(TierwallRun(scope="tierwall", uid="", operation="scan", started=1))
    store.keep_alerted([("rule", "a", "", "fail")], [])
    assert verify(store) == []

    connection = store.connection
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")  # a flipped bit asks no constraint
    names = [n for (n,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    tried = 0
    for table in names:
        columns = [r[1] for r in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        for number in range(len(rows)):
            for column, value in zip(columns, rows[number], strict=True):
                connection.execute("SAVEPOINT flip")
                where = " AND ".join(f"{c} IS ?" for c in columns)
                change = f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {where}"
                connection.execute(change, [other(value), *rows[number]])
                assert verify(store), f"{table}.{column} was changed from {value!r} unnoticed"
                connection.execute("ROLLBACK TO flip")
                tried += 1
    assert tried > 100
    assert verify(store) == []


def other(value: object) -> object:
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
    if value is None or isinstance(value, (int, float)):
        return 0 if value == 1 else 1
    return f"{value}x"


def test_a_snapshot_that_does_not_exist_is_told_in_one_line(store: Store) -> None:
    with pytest.raises(UsageError, match="holds no snapshot yet; run `tierwall scan` first"):
        store.snapshot()
    publish(store)
    with pytest.raises(UsageError, match="holds no snapshot 7; it has 1 to 1"):
        store.snapshot("7")


def test_a_newer_schema_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        publish(store, database("a"))
        store.connection.execute("PRAGMA user_version = 99")
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (tmp_path / "tierwall.db").read_bytes()
    with pytest.raises(StoreError, match="schema version 99, newer than this Tierwall's"):
        open_store(tmp_path)
    assert (tmp_path / "tierwall.db").read_bytes() == before


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tierwall.db").write_bytes(b"not a database at all, but long enough to be read as a header" * 20)
    with pytest.raises(StoreError, match="is not an SQLite database"):
        open_store(tmp_path)
