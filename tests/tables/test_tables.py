"""The typed tables as a contract: what SQLite enforces, and that the dictionary says what the classes do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from scanner.tables import Placed, Row, tables
from scanner.tables.aws_rds import AwsRdsInstance
from scanner.tables.dictionary import json_schema, markdown

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", tables().values(), ids=lambda kind: kind.table)
def test_every_table_can_be_created_and_says_what_each_column_means(kind: type[Row]) -> None:
    sqlite3.connect(":memory:").execute(kind.ddl())
    assert kind.title
    assert [c.name for c in kind.columns().values() if not c.description.endswith((".", "…"))] == []


def test_a_column_left_out_is_unknown_and_never_a_default() -> None:
    """Only the place has defaults: '' says that it does not apply."""
    row = AwsRdsInstance(scope="s", uid="u")
    own = set(AwsRdsInstance.columns()) - set(Placed.columns())
    assert {name: getattr(row, name) for name in own} == dict.fromkeys(own)


def test_sqlite_refuses_a_boolean_that_is_none() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(AwsRdsInstance.ddl())
    with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"):
        connection.execute("INSERT INTO aws_rds_instance (scope, uid, multi_az) VALUES ('s', 'u', 2)")


def test_the_dictionary_in_docs_is_made_from_the_tables() -> None:
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == markdown()


def test_the_schema_of_a_row_lets_unknown_be_null() -> None:
    found = json_schema(AwsRdsInstance)["properties"]
    assert found["multi_az"]["type"] == ["boolean", "null"]
    assert found["uid"]["type"] == "string"


def test_no_table_ends_in_a_column_of_its_key() -> None:
    """`PRAGMA integrity_check` of SQLite 3.40 calls such a table damaged, unless its key is all that it begins with."""
    ends = {name: list(kind.columns()) for name, kind in tables().items()}
    assert [n for n, c in ends.items() if c[-1] in (key := tables()[n].key) and tuple(c[: len(key)]) != key] == []
