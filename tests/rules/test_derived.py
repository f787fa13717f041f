"""A derived table is as complete as the tables it was computed from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.rules import out_of_scope
from scanner.tables import Derived, base, column
from tests.support.rules import bucket, estate, gap, placed, rule, statuses

TABLE = "engine_test_reach"


@pytest.fixture
def reach() -> Iterator[Any]:
    """A table of this test alone: what it declares is taken back."""

    class EngineTestReach(Derived, title="Who reaches a bucket"):
        inputs = ("aws_s3_bucket", "aws_policy_statement")
        is_reached: bool | None = column("Somebody does.")

    yield EngineTestReach
    del base._TABLES[TABLE]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (gap("aws_rds_instance"), {"a": "pass", "pair": "pass"}),
        (gap("aws_policy_statement", "is_admin", uid="a"), {"a": "unknown", "pair": "pass"}),
        (gap("aws_policy_statement", uid="a"), {"a": "unknown", "pair": "pass"}),
        (gap("aws_policy_statement", uid="elsewhere"), {"a": "unknown", "pair": "unknown"}),
        (gap("aws_policy_statement", "is_admin", uid="elsewhere", reason="stale"), {"a": "unknown", "pair": "unknown"}),
        (gap("aws_s3_bucket"), {"a": "unknown", "pair": "unknown"}),
        (gap(TABLE, "is_reached", uid="pair"), {"a": "pass", "pair": "unknown"}),
    ],
)
def test_a_gap_in_an_input_is_a_gap_of_the_derived_rows(
    reach: Any, tmp_path: Path, missing: Any, expected: dict[str, str]
) -> None:
    of = rule(TABLE, require="not is_reached")
    db = estate(tmp_path, placed(reach, "a", is_reached=False), placed(reach, "pair", is_reached=False), missing)

    assert statuses(of, db) == expected


def test_a_rule_that_looks_rows_up_in_it_needs_its_inputs(reach: Any, tmp_path: Path) -> None:
    of = rule("aws_s3_bucket", none={"of": TABLE, "where": "c.uid = r.uid and is_reached"})
    rows = bucket("a"), placed(reach, "a", is_reached=False)

    assert statuses(of, estate(tmp_path, *rows)) == {"a": "pass"}
    assert statuses(of, estate(tmp_path, *rows, gap("aws_policy_statement", uid="b"))) == {"a": "unknown"}


def test_it_is_in_scope_where_an_input_was_asked_for(reach: Any, tmp_path: Path) -> None:
    of = rule(TABLE, require="not is_reached")

    assert out_of_scope(estate(tmp_path, asked=["aws_s3_bucket"]), [of]) == ()
    assert out_of_scope(estate(tmp_path, asked=["aws_rds_instance"]), [of]) == ("the-rule",)
