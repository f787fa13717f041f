"""One chain through all that is kept: nothing at its end can be taken away unnoticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scanner.store import Evaluation, Store, verify
from scanner.store.prune import prune
from scanner.tables import TierwallRun
from tests.support.estates import database, open_store, publish


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two snapshots, judged, with a run of each; the first one pruned."""
    with open_store(tmp_path) as opened:
        for number in (1, 2):
            publish(opened, database("a", Encrypted=number == 1), at=number)
            given = Evaluation(number, 0, "r", "p", "w", "a", "test")
            opened.keep_evaluation(given, [("rule", "a", "", "pass" if number == 1 else "fail", "m", "[]")])
            opened.keep_run(TierwallRun(scope="tierwall", uid="", source="tierwall", operation="scan", exit_code=1))
        prune(opened, 1, "keep 1")
        yield opened


def without_evaluation(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM verdict WHERE first = 2")
    connection.execute("UPDATE verdict SET until = NULL WHERE until = 2")
    connection.execute("DELETE FROM evaluation WHERE id = 2")


def without_runs(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM tierwall_run")
    connection.execute("DELETE FROM run_chain")


def without_both(connection: sqlite3.Connection) -> None:
    without_evaluation(connection)
    without_runs(connection)


def without_pruning(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM prune")


@pytest.mark.parametrize(
    ("tampered", "told"),
    [
        (without_evaluation, {"evaluation 2 is gone"}),
        (without_runs, {"run 1 is gone", "run 2 is gone"}),
        (without_both, {"evaluation 2 is gone", "run 1 is gone", "run 2 is gone"}),
        (without_pruning, {"pruning 1 is gone"}),
    ],
)
def test_the_end_of_a_chain_cannot_be_taken_away_unnoticed(
    tampered: Callable[[sqlite3.Connection], None], told: set[str], store: Store
) -> None:
    """A failing judgement, for one, with the runs that would bear witness to it."""
    assert verify(store) == []

    tampered(store.connection)

    assert told <= set(verify(store))


def test_the_head_tells_who_kept_it_that_the_journal_was_cut_too(store: Store) -> None:
    """Whoever may write the file can take away every trace of its end; a digest elsewhere cannot be taken away."""
    head = store.head()
    without_both(store.connection)
    store.connection.execute("DELETE FROM journal WHERE record NOT IN (SELECT digest FROM snapshot) AND id > 2")

    assert store.head() != head


def test_a_database_without_a_journal_gets_one(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        publish(store, database("a"))
        store.keep_evaluation(Evaluation(1, 0, "r", "p", "w", "a", "test"), [("rule", "a", "", "fail", "m", "[]")])
        store.connection.execute("DROP TABLE journal")
        store.connection.execute("PRAGMA user_version = 2")

    with open_store(tmp_path) as store:
        assert verify(store) == []
        without = store.connection.execute("SELECT kind FROM journal ORDER BY id").fetchall()
        assert without == [("snapshot",), ("evaluation",)]
        publish(store, database("b"))
        assert verify(store) == []
