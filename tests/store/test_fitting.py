"""Values that no column of theirs can hold: unknown, with a gap, wherever they come from."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from scanner.store import Estate
from scanner.tables import Gap, Placed
from scanner.tables.aws_rds import AwsRdsInstance
from tests.support.estates import SCOPE, database, kinds, open_store, publish

PLACE = {"scope": SCOPE.id, "account": SCOPE.account, "region": SCOPE.region, "source": "aws"}


def row(uid: str, **columns: object) -> AwsRdsInstance:
    return AwsRdsInstance(uid=uid, name=uid, **PLACE, **columns)  # type: ignore[arg-type]  # that is the point


def kept(path: Path, *rows: Placed) -> tuple[list[object], list[tuple[str, str, str]]]:
    """The ports by uid, and the gaps."""
    with Estate.create(path) as estate:
        estate.insert(rows)
        gaps = [(g.uid, g.column_name, g.detail) for g in estate.rows(Gap)]
        return [found.port for found in estate.rows(AwsRdsInstance)], gaps


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**30, "many", "1" * 5000, 1.5, [443], {}])
def test_what_does_not_fit_its_column_is_unknown_and_has_a_gap(value: object, tmp_path: Path) -> None:
    ports, gaps = kept(tmp_path / "e.db", row("a", port=5432), row("b", port=value), row("c", port=0))

    assert ports == [5432, None, 0]
    assert gaps == [("b", "port", "what was read is no whole number of 64 bits")]


@pytest.mark.parametrize(
    ("columns", "gap"),
    [
        ({"storage_encrypted": 2}, ("a", "storage_encrypted", "what was read is neither true nor false")),
        ({"storage_encrypted": "yes"}, ("a", "storage_encrypted", "what was read is neither true nor false")),
        ({"endpoint": ["db"]}, ("a", "endpoint", "what was read is no text")),
    ],
)
def test_every_type_of_column_is_held_to_it(
    columns: dict[str, object], gap: tuple[str, str, str], tmp_path: Path
) -> None:
    assert kept(tmp_path / "e.db", row("a", port=1, **columns)) == ([1], [gap])


@given(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)))
def test_what_fits_is_kept_as_it_is(value: int | None) -> None:
    found = Estate.fitted(AwsRdsInstance, row("a", port=value).values())

    assert found == (row("a", port=value).values(), [])


def test_a_snapshot_with_such_a_value_can_be_projected_again(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        first = publish(store, database("a", Latest=10**30), database("b", Latest=5))
        with store.project(first, kinds(), tmp_path / "p.db") as projected:
            found = [r.latest_restorable_time for r in projected.rows(AwsRdsInstance)]
            gaps = [(g.uid.rpartition(":")[2], g.column_name, g.reason) for g in projected.rows(Gap)]

    assert (found, gaps) == ([None, 5], [("a", "latest_restorable_time", "unsupported")])
