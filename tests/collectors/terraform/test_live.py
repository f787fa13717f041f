"""Real Terraform: the committed plans are what it makes, and code, state and running resources have the same rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.collectors.terraform import KINDS
from scanner.tables import Child
from scanner.tables.base import Placed
from tests.support import aws
from tests.support.terraform import PLANS, Collected, Terraform, missing, plan

pytestmark = [pytest.mark.needs_terraform, pytest.mark.slow]

TABLES = sorted({table for kind in KINDS for table in kind.tables}, key=lambda table: table.table)
# What says where a row was read, not what it is of; the name of a planned thing is its address where it has none yet.
_ABOUT = {"scope", "source", "file", "line", "ordinal", "name", "uid"}
# Moto 5.2 does not answer as AWS does.
_MOTO = {
    ("aws_s3_bucket", "acls_enabled"): "a new bucket has no ownership controls; at AWS it has since 2023-04",
    ("aws_s3_bucket", "encryption_algorithm"): "a new bucket has no encryption; at AWS it has since 2023-01",
    ("aws_iam_user", "password_last_changed"): "the credential report has a time for users without a password",
}


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if lacks := missing():
        pytest.skip(lacks)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """One configuration as a plan before it is applied, as a plan without changes, as a state, and as it runs."""
    folder = tmp_path_factory.mktemp("four")
    with pytest.MonkeyPatch.context() as patch:
        url = aws.reset()
        aws.environment(patch, url)
        terraform = Terraform(PLANS / "changes" / "before", folder, {"endpoint": url})
        create = terraform.plan()
        terraform.run("apply", "p.tfplan")
        views = {"create": create, "noop": terraform.plan(), "state": terraform.state()}
        found: dict[str, Any] = {
            name: Collected(data, folder, account=aws.MAIN, where=f"{name}.json") for name, data in views.items()
        }
        with aws.scan(folder) as estate:
            yield found | {"live": estate}


def test_the_committed_plan_is_what_terraform_makes(tmp_path: Path) -> None:
    fresh = Collected(Terraform(PLANS / "everything", tmp_path).plan(), tmp_path)
    committed = Collected(plan("everything"), tmp_path)

    for table in TABLES:
        assert fresh.rows(table) == committed.rows(table), table.table


def known(row: Placed, uids: dict[str, str]) -> dict[str, Any]:
    """The columns that the plan knows, with the identities that its resources have got since."""
    values = {f.name: getattr(row, f.name) for f in dataclasses.fields(row)}
    return {
        name: uids.get(value, value) if isinstance(value, str) else value
        for name, value in values.items()
        if name not in _ABOUT and value is not None and (row.table, name) not in _MOTO
    }


def differences(found: Collected, live: Any, uids: dict[str, str]) -> list[str]:
    """Where a row of the plan's says something else than the running resource."""
    wrong = []
    for table in TABLES:
        running = live.rows(table)
        for row in found.rows(table):
            uid, expected = uids.get(row.uid, row.uid), known(row, uids)
            candidates = [other for other in running if other.uid == uid]
            if any(all(getattr(other, name) == value for name, value in expected.items()) for other in candidates):
                continue
            if not issubclass(table, Child) and candidates:
                expected = {n: (v, getattr(candidates[0], n)) for n, v in expected.items()
                            if getattr(candidates[0], n) != v}  # fmt: skip
            wrong.append(f"{table.table} {uid}: {expected}")
    return wrong


def test_the_plan_says_of_each_new_resource_what_then_runs(four: dict[str, Any]) -> None:
    addresses = {address: uid for uid, address in four["state"].outcome.addresses.items()}
    uids = {uid: addresses[address] for uid, address in four["create"].outcome.addresses.items()}
    assert any(uid.startswith("plan:") for uid in uids)

    assert differences(four["create"], four["live"], uids) == []


@pytest.mark.parametrize("view", ["noop", "state"])
def test_a_plan_without_changes_and_a_state_say_what_runs(view: str, four: dict[str, Any]) -> None:
    assert differences(four[view], four["live"], {}) == []


@pytest.mark.parametrize("view", ["create", "noop", "state"])
def test_nothing_that_runs_is_missing_from_the_code(view: str, four: dict[str, Any]) -> None:
    """A running resource or rule of the configuration that the code's rows do not have would be judged by nobody."""
    addresses = {address: uid for uid, address in four["state"].outcome.addresses.items()}
    uids = {uid: addresses[address] for uid, address in four[view].outcome.addresses.items()}
    of_code = set(uids.values())
    for table in TABLES:
        found = four[view].rows(table)
        gaps = {uids.get(g.uid, g.uid) for g in four[view].gap_rows(table.table)}
        for row in four["live"].rows(table):
            if row.uid in of_code - gaps:
                count = sum(1 for other in found if uids.get(other.uid, other.uid) == row.uid)
                assert count == sum(1 for other in four["live"].rows(table) if other.uid == row.uid), (table, row)
