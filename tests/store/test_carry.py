"""What was read before and could not be read now: it is stale, not gone, and no drift."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from scanner.drift import FindingChange, ResourceChange, compare
from scanner.store import Evaluation, Snapshot, Store
from scanner.tables import Call, Document, Gap, Requested, Scope
from scanner.tables.aws_account import AwsAccount
from scanner.tables.aws_rds import AwsRdsInstance
from tests.support.estates import OTHER, SCOPE, TABLES, database, kinds, open_store, redactor

GLOBAL = Scope(id="aws/111111111111/global", source="aws", account="111111111111")
NORTH = Scope(id="aws/111111111111/eu-north-1", source="aws", account="111111111111", region="eu-north-1")
HERE, THERE, ELSEWHERE = database("a"), database("b", NORTH), database("c", OTHER)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def publish(
    store: Store, scopes: Collection[Scope], *documents: Document, unlisted: Scope | None = None, at: float = 1.0
) -> Snapshot:
    """A snapshot of these scopes. Where the regions could not be listed, the account's global scope stands for them."""
    with store.collecting(redactor(), kinds()) as stage:
        for scope in scopes:
            stage.scope(scope, [AwsAccount] if scope is GLOBAL and unlisted is None else TABLES)
        if unlisted:
            stage.scope(unlisted, TABLES)
            call = stage.call(
                Call(scope=unlisted.id, service="ec2", operation="DescribeRegions", status="denied", started=at)
            )
            for table in TABLES:
                stage.gap(Gap(scope=unlisted.id, table_name=table.table, reason="denied", call=call, detail="no"))
        for document in documents:
            stage.document(document)
        return store.publish(stage, started=at, finished=at + 1, tool="test", config="")


def seen(store: Store, snapshot: Snapshot, folder: Path) -> dict[str, tuple[str, ...]]:
    """By database, why it is not known any more."""
    with store.project(snapshot, kinds(), folder / f"{snapshot.id}.db") as estate:
        return {
            row.name: tuple(gap.reason for gap in estate.rows(Gap, "uid = ?", row.uid))
            for row in estate.rows(AwsRdsInstance)
        }


def judge(store: Store, snapshot: Snapshot, statuses: dict[str, str]) -> None:
    given = Evaluation(snapshot.id, 0, "r", "p", "w", "a", "test")
    store.keep_evaluation(given, [("rule", uid, "", status, "m", "[]") for uid, status in statuses.items()])


def test_regions_that_could_not_be_listed_are_stale(store: Store, tmp_path: Path) -> None:
    publish(store, [GLOBAL, SCOPE, NORTH], HERE, THERE)

    second = publish(store, [], unlisted=GLOBAL)

    assert seen(store, second, tmp_path) == {"a": ("stale",), "b": ("stale",)}
    with store.project(second, kinds(), tmp_path / "again.db") as estate:
        assert [r.table_name for r in estate.rows(Requested, "scope = ?", NORTH.id)] == sorted(t.table for t in TABLES)
        assert [(g.reason, g.call, g.detail) for g in estate.rows(Gap, "scope = ? AND uid = ''", NORTH.id)] == [
            ("denied", 1, "no"), ("denied", 1, "no"),
        ]  # fmt: skip
    assert compare(store, store.snapshot(1), second).resources == ()


def test_a_scope_that_was_read_before_the_last_snapshot_is_stale_too(store: Store, tmp_path: Path) -> None:
    """The snapshot between was of another source."""
    publish(store, [GLOBAL, SCOPE], HERE)
    publish(store, [OTHER], ELSEWHERE)

    third = publish(store, [OTHER], ELSEWHERE, unlisted=GLOBAL)

    assert seen(store, third, tmp_path) == {"a": ("stale",), "c": ()}


def test_a_denied_account_makes_no_other_account_stale(store: Store, tmp_path: Path) -> None:
    publish(store, [GLOBAL, SCOPE, OTHER], HERE, ELSEWHERE)

    second = publish(store, [OTHER], ELSEWHERE, unlisted=GLOBAL)

    assert seen(store, second, tmp_path) == {"a": ("stale",), "c": ()}


def test_what_was_stale_is_judged_again_once_it_is_read(store: Store, tmp_path: Path) -> None:
    publish(store, [GLOBAL, SCOPE], HERE)
    publish(store, [], unlisted=GLOBAL)

    third = publish(store, [GLOBAL, SCOPE], HERE)

    assert seen(store, third, tmp_path) == {"a": ()}


FILES = Scope(id="config/layers/base.yml,layers/live.yml", source="config")


@pytest.mark.parametrize(
    ("folder", "reasons"),
    [("layers", ("stale",)), ("others,layers", ("stale",)), ("lay", None), ("others", None)],
)
def test_files_of_a_folder_that_could_not_be_listed_are_stale(
    folder: str, reasons: tuple[str, ...] | None, store: Store, tmp_path: Path
) -> None:
    publish(store, [FILES], database("f", FILES))

    second = publish(store, [], unlisted=Scope(id=f"config/{folder}", source="config"))

    assert seen(store, second, tmp_path) == ({} if reasons is None else {"f": reasons})


def removed(document: Document) -> ResourceChange:
    return ResourceChange(document.uid, "removed", document.kind, document.name)


@pytest.mark.parametrize(
    ("scopes", "documents", "changes", "unread"),
    [
        ([GLOBAL, SCOPE, NORTH], [HERE], [removed(THERE)], ()),
        ([GLOBAL, SCOPE], [HERE], [], (f"scope:{NORTH.id}",)),
        ([GLOBAL, SCOPE], [], [removed(HERE)], (f"scope:{NORTH.id}",)),
        ([OTHER], [ELSEWHERE], [], tuple(sorted(f"scope:{s.id}" for s in (GLOBAL, SCOPE, NORTH, OTHER)))),
    ],
)
def test_only_what_both_snapshots_asked_for_is_compared(
    scopes: Sequence[Scope],
    documents: Sequence[Document],
    changes: list[ResourceChange],
    unread: tuple[str, ...],
    store: Store,
) -> None:
    first = publish(store, [GLOBAL, SCOPE, NORTH], HERE, THERE)
    second = publish(store, scopes, *documents)
    judge(store, first, {HERE.uid: "fail", THERE.uid: "fail"})
    judge(store, second, {document.uid: "fail" for document in documents})

    found = compare(store, first, second)

    assert list(found.resources) == changes
    assert found.not_comparable == unread
    assert [(f.uid, f.change) for f in found.findings] == [(change.uid, "resolved") for change in changes]


def test_a_scope_that_nobody_asked_for_any_more_has_no_resolved_finding(store: Store) -> None:
    first, second = publish(store, [SCOPE], HERE), publish(store, [OTHER])
    judge(store, first, {f"scope:{SCOPE.id}": "unknown"})
    judge(store, second, {f"scope:{OTHER.id}": "unknown"})

    assert compare(store, first, second).findings == ()


def test_a_finding_is_resolved_by_a_pass_and_new_where_its_rule_is_new(store: Store) -> None:
    """A pair of environments is no resource of a scope: what its rule says counts wherever the rule was asked."""
    first, second = publish(store, [SCOPE], HERE), publish(store, [SCOPE], HERE)
    given = [Evaluation(number, 0, "r", "p", "w", "a", "test") for number in (1, 2)]
    store.keep_evaluation(
        given[0], [("kept", HERE.uid, "", "fail", "m", "[]"), ("kept", "pair:a", "", "fail", "m", "[]"),
                   ("dropped", "pair:a", "", "fail", "m", "[]")],
    )  # fmt: skip
    store.keep_evaluation(
        given[1], [("kept", HERE.uid, "", "pass", "", "[]"), ("kept", "pair:b", "", "pass", "", "[]"),
                   ("added", "pair:a", "", "fail", "m", "[]")],
    )  # fmt: skip

    assert compare(store, first, second).findings == (
        FindingChange("added", "pair:a", "", "new", "", "fail", "m"),
        FindingChange("kept", HERE.uid, "", "resolved", "fail", "", "m"),
        FindingChange("kept", "pair:a", "", "resolved", "fail", "", "m"),
    )


def test_tables_that_only_one_snapshot_asked_a_scope_for_are_named(store: Store) -> None:
    """So that a newer Tierwall, which reads more, does not report what was there all along as added."""
    first = publish(store, [GLOBAL])
    with store.collecting(redactor(), kinds()) as stage:
        stage.scope(GLOBAL, [AwsAccount, *TABLES])
        stage.document(database("late", GLOBAL))
        second = store.publish(stage, started=2.0, finished=3.0, tool="test", config="")

    found = compare(store, first, second)

    assert found.resources == ()
    assert found.not_comparable == tuple(sorted(f"scope:{GLOBAL.id} {table.table}" for table in TABLES))
