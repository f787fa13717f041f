"""Whatever is refused becomes unknown: named, never invented, never silently gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.collectors.aws import run
from scanner.collectors.aws.api import Api
from scanner.collectors.aws.session import Account, Declared, new_session
from scanner.errors import ScannerError
from scanner.store import Estate
from scanner.tables import Gap
from tests.support import aws

pytestmark = pytest.mark.slow


def test_an_undisturbed_scan_has_no_gap(full: Estate) -> None:
    assert full.rows(Gap) == []


# The estate is read without a role; what a refused AssumeRole does is in test_accounts.
ASKED = sorted(set(aws.declared_calls()) - {("sts", "AssumeRole")})


@pytest.mark.parametrize(("service", "operation"), ASKED, ids=lambda v: v)
def test_each_denied_call_is_recorded_and_all_it_took_is_covered(
    full: Estate, tmp_path: Path, service: str, operation: str
) -> None:
    with aws.denying(service, operation), aws.scan(tmp_path) as denied:
        refused = [c for c in denied.rows(aws.Call) if (c.service, c.operation) == (service, operation)]

        assert {(c.status, c.permission != "", c.request_id) for c in refused} == {("denied", True, "refused-0001")}
        assert aws.uncovered(full, denied) == []
        assert aws.invented(full, denied) == []
        named = {g.call for g in denied.rows(Gap) if g.reason == "denied"}
        assert named <= {c.id for c in refused}
        assert named or operation in ("DescribeRegions",)  # the regions are declared, so nothing is lost


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "Throttling", "throttled"),
        (429, "SomethingNew", "throttled"),
        (503, "SlowDown", "throttled"),
        (403, "SomethingNew", "denied"),
        (401, "SomethingNew", "denied"),
        (400, "UnauthorizedOperation", "denied"),
        (500, "InternalError", "error"),
        (404, "NoSuchBucket", "error"),
    ],
)
def test_the_answer_decides_the_reason(full: Estate, tmp_path: Path, status: int, code: str, reason: str) -> None:
    refuse = aws.intercepting(lambda _, operation, __: (status, code) if operation == "GetBucketPolicy" else None)
    with refuse, aws.scan(tmp_path) as estate:
        assert {g.reason for g in estate.rows(Gap)} == {reason}
        assert {(c.status, c.code) for c in aws.calls(estate, "GetBucketPolicy")} == {(reason, code)}


@pytest.mark.parametrize("after", [1, 2, 3, 8, 13, 21, 34, 55, 80])
def test_when_credentials_expire_the_rest_is_expired_and_nobody_is_asked_again(
    full: Estate, tmp_path: Path, after: int
) -> None:
    made: list[str] = []

    def expire(_: str, operation: str, __: object) -> tuple[int, str] | None:
        made.append(operation)
        return (400, "ExpiredToken") if len(made) > after else None

    with aws.intercepting(expire), aws.scan(tmp_path) as estate:
        assert aws.uncovered(full, estate) == []
        assert aws.invented(full, estate) == []
        assert {g.reason for g in estate.rows(Gap)} == {"expired"}
        assert len(made) <= after + 16  # those that were on their way: as many as there are threads


@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_a_listing_that_breaks_off_keeps_what_it_had_and_says_so(
    full: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    with aws.paging_by_one(monkeypatch, cut_after=pages), aws.scan(tmp_path) as estate:
        assert aws.uncovered(full, estate) == []
        assert aws.invented(full, estate) == []
        kept = sum(map(len, aws.facts(estate).values()))
        assert (kept < 20) == (pages < 2)  # what comes in no listing is always there: the account, its region, its hub


def test_pages_of_one_tell_the_same_as_one_page(full: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with aws.paging_by_one(monkeypatch), aws.scan(tmp_path) as estate:
        assert aws.facts(estate) == aws.facts(full)
        assert estate.rows(Gap) == []


def test_when_the_time_is_up_the_rest_is_unknown(full: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SERVICE_SECONDS", -1.0)
    with aws.scan(tmp_path) as estate:
        assert {g.reason for g in estate.rows(Gap)} == {"deadline"}
        assert aws.uncovered(full, estate) == []


def test_a_call_that_is_not_declared_is_a_programming_error(full: Estate) -> None:
    account = Account(Declared("main", aws.MAIN), new_session())
    api = Api(account, account.scope, aws.REGION, (), aws.Recorder(), 0.0)

    with pytest.raises(ScannerError, match="GetObject is called but not declared"):
        api.attempt("GetObject")
