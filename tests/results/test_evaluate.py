"""Judging a stored snapshot: the verdicts are of that snapshot, whatever another process does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.environments import Config, Environment
from scanner.results import evaluate as module
from scanner.results.evaluate import Policy, evaluate
from scanner.store import Snapshot, Store, verify
from scanner.tables import Assignment
from scanner.tables import Environment as EnvironmentRow
from tests.support.estates import OTHER, SCOPE, TABLES, database, kinds, open_store, publish, redactor
from tests.support.gate import shipped

RULE = "aws-rds-storage-encrypted"
OPEN, CLOSED = database("a", Encrypted=False), database("a")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def policy(environment: str = "production") -> Policy:
    declared = {"tier": "production", "match": [{"aws": {"uids": ["arn:*"]}}]}
    config = Config(environments={environment: Environment.model_validate(declared)})
    return Policy(config=config, rules=shipped().only([RULE]), frameworks=())


def kept(store: Store) -> list[tuple[int, dict[str, str]]]:
    """Of every evaluation the snapshot and the statuses by name."""
    return [
        (e.snapshot, {uid.rpartition(":")[2]: status for _, uid, _, status, *_ in store.verdicts(e.id)})
        for e in store.evaluations()
    ]


@pytest.mark.parametrize("moment", ["assign", "derive", "judge", "build"])
def test_a_snapshot_that_is_published_meanwhile_is_not_judged(
    moment: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(store, OPEN)
    real, others = getattr(module, moment), []

    def meanwhile(*given: Any, **options: Any) -> Any:
        if not others:
            with Store.open(store.path) as other:
                others.append(publish(other, CLOSED))
        return real(*given, **options)

    monkeypatch.setattr(module, moment, meanwhile)

    result = evaluate(store, first, policy(), kinds())

    assert [(f.rule, f.status) for f in result.findings] == [(RULE, "fail")]
    assert kept(store) == [(1, {"a": "fail"})]
    assert verify(store) == []
    assert evaluate(store, others[0], policy(), kinds()).findings == ()


def test_a_policy_that_another_process_judges_by_meanwhile_does_not_mix(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(store, OPEN)
    real, others = module.judge, []

    def meanwhile(*given: Any) -> Any:
        if not others:
            others.append(True)
            with Store.open(store.path) as other:
                evaluate(other, first, policy("another"), kinds(), keep=False)
        return real(*given)

    monkeypatch.setattr(module, "judge", meanwhile)

    (finding,) = evaluate(store, first, policy(), kinds()).findings

    assert finding.resource.environment == "production"


def test_an_older_judgement_never_comes_after_a_newer_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what was resolved would seem to have failed again."""
    first = publish(store, OPEN)
    real, others = module.judge, []

    def meanwhile(*given: Any) -> Any:
        if not others:
            others.append(True)
            with Store.open(store.path) as other:
                evaluate(other, publish(other, CLOSED), policy(), kinds())
        return real(*given)

    monkeypatch.setattr(module, "judge", meanwhile)

    result = evaluate(store, first, policy(), kinds())

    assert [f.status for f in result.findings] == ["fail"]
    assert kept(store) == [(2, {"a": "pass"})]


def environments(store: Store, snapshot: Snapshot, folder: Path) -> tuple[set[str], set[str | None]]:
    with store.estate(snapshot, kinds(), folder) as estate:
        return {row.id for row in estate.rows(EnvironmentRow)}, {row.environment for row in estate.rows(Assignment)}


def test_the_database_shows_the_environments_of_the_last_judgement(store: Store, tmp_path: Path) -> None:
    first = publish(store, OPEN)
    assert environments(store, first, tmp_path) == (set(), set())

    evaluate(store, first, policy(), kinds())

    (tmp_path / "snapshot-1.db").unlink()
    assert environments(store, first, tmp_path) == ({"", "production"}, {"production"})
    assert verify(store) == []


def test_an_estate_is_a_copy_of_ones_own(store: Store, tmp_path: Path) -> None:
    first = publish(store, OPEN)
    with store.estate(first, kinds(), tmp_path) as estate:
        estate.connection.execute("DELETE FROM aws_rds_instance")
        estate.connection.execute("DELETE FROM scope WHERE id = ?", [SCOPE.id])

    assert verify(store) == []
    assert evaluate(store, first, policy(), kinds()).summary.counts.failed == 1


def test_a_scope_that_is_not_asked_any_more_is_listed(store: Store) -> None:
    """Its failures are not resolved: nobody looked."""
    publish(store, OPEN)
    with store.collecting(redactor(), kinds()) as stage:
        stage.scope(OTHER, TABLES)
        second = store.publish(stage, started=2.0, finished=3.0, tool="test", config="")

    result = evaluate(store, second, policy(), kinds())

    assert [line.why for line in result.excluded if line.what == f"scope {SCOPE.id}"] == [
        "an earlier snapshot read it and this one was not asked to: nothing is said of what it holds"
    ]
    assert not [
        line for line in evaluate(store, store.snapshot(1), policy(), kinds()).excluded if SCOPE.id in line.what
    ]
