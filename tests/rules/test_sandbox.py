"""What a statement can do in the sandbox: read the listed tables, with the listed functions, for so long."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scanner.rules.sandbox import DeadlineError, Read, Sandbox

ALLOWED = ("database", "backup_plan")
MANY = ", ".join(f"database AS t{n}" for n in range(24))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "estate.db")) as db:
        db.executescript(
            """CREATE TABLE database (uid TEXT PRIMARY KEY, encrypted INT, public INT, days INT) STRICT;
            CREATE TABLE secret (x TEXT) STRICT;
            CREATE TABLE backup_plan (uid TEXT, days INT) STRICT;
            INSERT INTO database VALUES ('a', 1, 0, 7), ('b', NULL, 0, 7);
            INSERT INTO secret VALUES ('s3cr3t');
            INSERT INTO backup_plan VALUES ('a', 30);
            CREATE VIEW seen AS SELECT * FROM secret;"""
        )
    return tmp_path / "estate.db"


@pytest.fixture
def box(path: Path) -> Iterator[Sandbox]:
    uri = f"{path.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=0)) as connection:
        yield Sandbox(connection, deadline=20, steps=20_000_000)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT uid, NOT public AND encrypted FROM database ORDER BY uid", [("a", 1), ("b", None)]),
        ("SELECT d.uid FROM database AS d JOIN backup_plan AS b ON b.uid = d.uid WHERE b.days >= 7", [("a",)]),
        ("SELECT uid FROM database WHERE uid IN (SELECT value FROM json_each(:uids))", [("b",)]),
        ("SELECT max(days), lower(uid) LIKE 'A%' FROM database WHERE uid = 'a'", [(7, 1)]),
    ],
)
def test_what_rules_need_is_allowed(box: Sandbox, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert box.rows(sql, {"uids": '["b"]'}, tables=ALLOWED) == rows


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("INSERT INTO database VALUES ('z', 1, 0, 1)", id="insert"),
        pytest.param("UPDATE database SET public = 0", id="update"),
        pytest.param("DELETE FROM database", id="delete"),
        pytest.param("DROP TABLE database", id="drop"),
        pytest.param("CREATE TABLE q (x)", id="create"),
        pytest.param("CREATE TEMP TABLE q (x)", id="create temporary"),
        pytest.param("ATTACH ':memory:' AS m", id="attach"),
        pytest.param("DETACH main", id="detach"),
        pytest.param("PRAGMA table_info(database)", id="pragma"),
        pytest.param("PRAGMA query_only = 0", id="pragma that unlocks"),
        pytest.param("SELECT * FROM pragma_table_info('database')", id="pragma as a table"),
        pytest.param("SELECT sql FROM sqlite_schema", id="schema"),
        pytest.param("SELECT * FROM secret", id="another table"),
        pytest.param("SELECT * FROM seen", id="view of another table"),
        pytest.param("SELECT load_extension('/nowhere.so')", id="load_extension"),
        pytest.param("SELECT fts3_tokenizer('simple')", id="fts3_tokenizer"),
        pytest.param("SELECT randomblob(1000000000)", id="randomblob"),
        pytest.param("SELECT zeroblob(1000000000)", id="zeroblob"),
        pytest.param("SELECT date('now')", id="date"),
        pytest.param("SELECT current_timestamp", id="current_timestamp"),
        pytest.param("SELECT random()", id="random"),
        pytest.param("VACUUM INTO 'copy.db'", id="vacuum into"),
        pytest.param("BEGIN IMMEDIATE", id="begin"),
        pytest.param("SAVEPOINT x", id="savepoint"),
        pytest.param(
            "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c", id="loop"
        ),
        pytest.param("SELECT 1; SELECT 2", id="two statements"),
        pytest.param("SELECT " + "(" * 400 + "1" + ")" * 400, id="deep parentheses"),
        pytest.param("SELECT " + "NOT " * 500 + "1", id="deep expression"),
        pytest.param("SELECT '" + "a" * 5_000_000 + "'", id="long statement"),
        pytest.param("SELECT * FROM dbstat", id="dbstat"),
        pytest.param(
            "SELECT length(replace(replace(hex, 'a', :a), 'a', :a)) FROM (SELECT replace(:a, 'a', :a) AS hex)",
            id="a text that grows without end",
        ),
        pytest.param("SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' LIKE '" + "%a" * 150 + "b'", id="LIKE without end"),
        pytest.param("SELECT printf('%*d', 1000000000, 1)", id="printf"),
        pytest.param("SELECT encryptd FROM database", id="misspelt column"),
        pytest.param("SELECT * FROM databaze", id="misspelt table"),
    ],
)
def test_everything_else_is_refused(path: Path, box: Sandbox, sql: str) -> None:
    before = path.read_bytes()

    with pytest.raises((sqlite3.Error, sqlite3.Warning, sqlite3.ProgrammingError)):
        box.rows(sql, {"a": "a" * 5000}, tables=ALLOWED)

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_refusal_says_what_was_refused(box: Sandbox) -> None:
    with pytest.raises(sqlite3.OperationalError, match=re.escape("calling date is not allowed")):
        box.rows("SELECT date('now')", tables=ALLOWED)
    with pytest.raises(sqlite3.OperationalError, match=re.escape("reading secret x is not allowed")):
        box.rows("SELECT x FROM secret", tables=ALLOWED)


def test_a_statement_is_authorized_each_time(box: Sandbox) -> None:
    """A statement kept prepared would be run again without asking."""
    sql = "SELECT count(*), max(days) FROM backup_plan"
    assert box.rows(sql, tables=ALLOWED) == [(1, 30)]

    with pytest.raises(sqlite3.OperationalError, match="backup_plan"):
        box.rows(sql, tables=["database"])


def test_a_statement_that_takes_too_many_steps_is_stopped_and_the_next_one_runs(box: Sandbox) -> None:
    with pytest.raises(DeadlineError):
        box.rows(f"SELECT count(*) FROM {MANY}", tables=ALLOWED)

    assert box.rows("SELECT uid FROM database WHERE days = 7 AND encrypted", tables=ALLOWED) == [("a",)]


def test_a_statement_that_takes_too_long_is_stopped(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, cached_statements=0)) as connection:
        box = Sandbox(connection, deadline=0)
        with pytest.raises(DeadlineError):
            box.rows(f"SELECT count(*) FROM {MANY}", tables=ALLOWED)


def test_lineage_is_what_sqlite_looks_up(box: Sandbox) -> None:
    reads = box.reads("SELECT d.days FROM database AS d WHERE d.public OR :as_of > 0", tables=ALLOWED)

    assert reads == {Read("main", "database", "days"), Read("main", "database", "public")}


def test_the_engine_is_cheap_to_import() -> None:
    """The command line starts with it: nothing heavy comes along before a rule is loaded."""
    code = "import sys, scanner.rules; print({'yaml', 'pydantic', 'boto3', 'scanner.rules.compile'} & set(sys.modules))"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_a_statement_that_gives_too_many_rows_is_stopped_before_they_fill_the_memory(path: Path) -> None:
    """A cross join of a pack's would take gigabytes long before its time is over."""
    uri = f"{path.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=0)) as connection:
        box = Sandbox(connection, most_rows=1000)
        nine = ", ".join(f"database AS t{n}" for n in range(9))  # 512 rows
        ten = ", ".join(f"database AS t{n}" for n in range(10))

        assert len(box.rows(f"SELECT t0.uid FROM {nine}", tables=ALLOWED)) == 512
        with pytest.raises(DeadlineError, match="it gives more than 1,000 rows"):
            box.rows(f"SELECT t0.uid FROM {ten}", tables=ALLOWED)
        assert box.rows("SELECT uid FROM database ORDER BY uid", tables=ALLOWED) == [("a",), ("b",)]


def test_a_statement_that_needs_more_memory_than_there_is_is_an_answer_too(path: Path) -> None:
    class Starved(Sandbox):
        def _fetch(self, cursor: sqlite3.Cursor) -> list[tuple[object, ...]]:
            raise MemoryError

    with closing(sqlite3.connect(path, isolation_level=None, cached_statements=0)) as connection:
        starved = Starved(connection)
        with pytest.raises(DeadlineError, match="it takes more memory than there is"):
            starved.rows("SELECT uid FROM database", tables=ALLOWED)
