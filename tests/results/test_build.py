"""From verdicts to the view: nothing is lost, nothing is judged again, and equal input gives an equal result."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from scanner.gate import decide
from scanner.results import Context, Result, Snapshot, build, finding_id
from scanner.rules.verdict import Because, Verdict
from scanner.store.estate import Estate
from scanner.tables import Assignment, Call, Environment, Gap, Requested, Row, Scope, table
from scanner.tables.estate import TierwallAssignment
from tests.support.results import (
    FINISH,
    HAS_ENVIRONMENT,
    RULES,
    SNAPSHOT,
    WAIVERS,
    arn,
    result,
    sample,
)

BUCKETS = RULES[0]
VERSIONS = RULES[1]
SCOPE = "aws/1/eu"
A, B = arn("aws_s3_bucket", "1", "eu", "a"), arn("aws_s3_bucket", "1", "eu", "b")


def rows(**environments: str | None) -> list[Row]:
    """One bucket a keyword, in that environment."""
    bucket = table("aws_s3_bucket")
    found: list[Row] = [
        Scope(id=SCOPE, source="aws", account="1", region="eu"),
        Requested(scope=SCOPE, table_name="aws_s3_bucket"),
        Environment(id="production", tier="production", owner="me"),
        Environment(id="staging", tier="staging", owner=""),
        Environment(id=""),
    ]
    for name, environment in environments.items():
        uid = arn("aws_s3_bucket", "1", "eu", name)
        found.append(bucket(scope=SCOPE, uid=uid, name=name, account="1", region="eu", source="aws"))
        found.append(Assignment(uid=uid, environment=environment, because="account", candidates=""))
        found.append(TierwallAssignment(scope=SCOPE, uid=uid, name=name))
    return found


def view(tmp_path: Path, estate: list[Row], verdicts: list[Verdict], **options: object) -> Result:
    with Estate.create(tmp_path / "estate.db") as made:
        made.insert(estate)
        return build(made, verdicts, (*RULES, HAS_ENVIRONMENT), (), SNAPSHOT, FINISH, **options)  # type: ignore[arg-type]


def test_a_finding_is_identified_by_rule_resource_and_discriminator_alone() -> None:
    """The encoding is fixed: history, waivers and code scanning depend on it."""
    expected = hashlib.sha256(b'["a-rule","arn:aws:s3:::\\u00fc","22"]').hexdigest()

    assert finding_id("a-rule", "arn:aws:s3:::ü", "22") == expected


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), unique=True, min_size=2, max_size=20))
def test_different_keys_never_share_an_id(keys: list[tuple[str, str, str]]) -> None:
    assert len({finding_id(*key) for key in keys}) == len(keys)


def test_every_verdict_is_counted_once_and_each_failure_or_unknown_is_a_finding(tmp_path: Path) -> None:
    verdicts = [
        Verdict(BUCKETS.id, A, "", "fail", "open"),
        Verdict(BUCKETS.id, B, "", "pass"),
        Verdict(VERSIONS.id, A, "", "not_applicable"),
        Verdict(VERSIONS.id, B, "", "unknown", "", (Because("denied", "aws_s3_bucket", "versioning", B, SCOPE),)),
    ]

    found = view(tmp_path, rows(a="production", b="staging"), verdicts)

    counts = found.summary.counts
    assert (counts.passed, counts.failed, counts.unknown, counts.not_applicable) == (1, 1, 1, 1)
    assert [(f.rule, f.resource.uid, f.status) for f in found.findings] == [
        (BUCKETS.id, A, "fail"),
        (VERSIONS.id, B, "unknown"),
    ]
    assert found.passed == ()


def test_passes_are_kept_when_asked_for(tmp_path: Path) -> None:
    found = view(tmp_path, rows(a="production"), [Verdict(BUCKETS.id, A, "", "pass")], include_passed=True)

    assert [(f.resource.uid, f.status) for f in found.passed] == [(A, "pass")]


def test_findings_are_ordered_by_severity_tier_rule_and_resource() -> None:
    found = result()
    order = [(f.severity, f.resource.tier, f.rule, f.resource.uid) for f in found.findings]
    severities = ["critical", "high", "medium", "low"]
    tiers = ["production", "staging", "shared", "integration", "development", "feature", "local", ""]

    assert order == sorted(order, key=lambda o: (severities.index(o[0]), tiers.index(o[1]), o[2], o[3]))


def test_the_order_in_which_verdicts_arrive_changes_nothing() -> None:
    made = sample()
    shuffled = replace(made, verdicts=random.Random(1).sample(made.verdicts, len(made.verdicts)))

    assert result(made=made) == result(made=shuffled)


UNPLACED = [
    Verdict(HAS_ENVIRONMENT.id, A, "", "fail", "no match"),
    Verdict(BUCKETS.id, A, "", "unknown", "", (Because("unassigned", "environment", "tier", A),)),
    Verdict(VERSIONS.id, A, "", "unknown", "", (Because("unassigned"), Because("denied"))),
]


def test_unknowns_for_want_of_an_environment_stand_behind_the_one_finding_that_says_so(tmp_path: Path) -> None:
    found = view(tmp_path, rows(a=""), UNPLACED)

    assert [(f.rule, f.stands_for) for f in found.shown] == [(VERSIONS.id, 0), (HAS_ENVIRONMENT.id, 1)]
    assert (found.summary.folded, found.summary.counts.unknown) == (1, 2)


def test_what_is_folded_where_it_is_shown_is_still_there_for_who_decides(tmp_path: Path) -> None:
    """Encryption that nobody could judge is no clean bill because a finding of less weight stands for it."""
    found = view(tmp_path, rows(a=""), UNPLACED)

    head = finding_id(HAS_ENVIRONMENT.id, A)
    assert [(f.rule, f.behind) for f in found.findings] == [
        (BUCKETS.id, head), (VERSIONS.id, ""), (HAS_ENVIRONMENT.id, ""),
    ]  # fmt: skip
    assert (decide(found, "critical", "refused"), decide(found, "critical", "none")) == (3, 0)


def test_an_unknown_is_never_folded_into_a_finding_that_is_not_there(tmp_path: Path) -> None:
    found = view(tmp_path, rows(a=""), UNPLACED[1:2])

    assert [(f.rule, f.status) for f in found.shown] == [(BUCKETS.id, "unknown")]
    assert found.summary.folded == 0


def test_an_unknown_is_never_folded_behind_a_finding_that_is_waived(tmp_path: Path) -> None:
    """To accept that a bucket is in no environment is not to accept that nobody knows whether it is public."""
    waiver = replace(WAIVERS[0], rule=HAS_ENVIRONMENT.id, uid="*", environment="*")

    found = view(tmp_path, rows(a=""), UNPLACED, waivers=[waiver])

    assert [(f.rule, f.status, f.waived, f.stands_for) for f in found.shown] == [
        (BUCKETS.id, "unknown", False, 0), (VERSIONS.id, "unknown", False, 0), (HAS_ENVIRONMENT.id, "fail", True, 0),
    ]  # fmt: skip
    assert found.summary.folded == 0


def test_a_scope_that_could_not_be_listed_is_a_finding_on_the_scope_and_names_the_refused_call(tmp_path: Path) -> None:
    call = Call(
        id=4, scope=SCOPE, service="s3", operation="ListBuckets", status="denied", code="AccessDenied",
        permission="s3:ListAllMyBuckets",
    )  # fmt: skip
    because = Because("denied", "aws_s3_bucket", "", "", SCOPE, 4)

    found = view(tmp_path, [*rows(), call], [Verdict(BUCKETS.id, f"scope:{SCOPE}", "", "unknown", "", (because,))])

    (finding,) = found.findings
    assert (finding.resource.is_scope, finding.resource.account, finding.resource.environment) == (True, "1", None)
    assert finding.because[0].call is not None
    assert (finding.because[0].call.name, finding.because[0].call.code) == ("s3:ListAllMyBuckets", "AccessDenied")
    assert [(r.reason, r.call, r.code, r.findings) for r in found.refusals] == [
        ("denied", "s3:ListAllMyBuckets", "AccessDenied", 1)
    ]


def test_gaps_with_one_cause_are_merged_and_keep_what_they_left_open(tmp_path: Path) -> None:
    calls = [
        Call(id=n, scope=SCOPE, service="s3", operation="GetBucketPolicy", uid=uid, status="denied",
             code="AccessDenied", permission="s3:GetBucketPolicy")
        for n, uid in ((1, A), (2, B))
    ]  # fmt: skip
    gaps = [
        Gap(scope=SCOPE, uid=uid, table_name=name, reason="denied", call=n)
        for n, uid in ((1, A), (2, B))
        for name in ("aws_policy_statement", "aws_s3_bucket")
    ]

    found = view(tmp_path, [*rows(a="production", b="production"), *calls, *gaps], [])

    (refusal,) = found.refusals
    assert (refusal.call, refusal.gaps, refusal.resources) == ("s3:GetBucketPolicy", 4, 2)
    assert refusal.tables == ("aws_policy_statement", "aws_s3_bucket")
    assert len(found.gaps) == 4


def test_evidence_leads_to_the_document_the_listing_and_the_resources_own_calls() -> None:
    finding = next(f for f in result().findings if f.rule == BUCKETS.id and f.status == "unknown" and f.because[0].call)

    assert len(finding.evidence.document) == 64
    assert [call.operation for call in finding.evidence.calls] == ["ListBuckets", "GetBucketPolicy"]
    assert finding.evidence.calls[-1] == finding.because[0].call


def test_a_waived_failure_stays_a_failure(tmp_path: Path) -> None:
    waiver = replace(WAIVERS[0], rule=BUCKETS.id, uid="arn:aws:s3:::*", environment="production")
    verdicts = [Verdict(BUCKETS.id, A, "", "fail", "open"), Verdict(BUCKETS.id, B, "", "fail", "open")]

    found = view(tmp_path, rows(a="production", b="staging"), verdicts, waivers=[waiver])

    assert [(f.resource.uid, f.status, f.waived) for f in found.findings] == [(A, "fail", True), (B, "fail", False)]
    assert (found.summary.counts.failed, found.summary.counts.waived, found.summary.counts.open) == (2, 1, 1)
    assert found.summary.open_by_severity["critical"] == 1


def test_an_unknown_is_not_waived(tmp_path: Path) -> None:
    waiver = replace(WAIVERS[0], rule=BUCKETS.id, uid="*", environment="*")
    verdicts = [Verdict(BUCKETS.id, A, "", "unknown", "", (Because("denied", "aws_s3_bucket"),))]

    found = view(tmp_path, rows(a="production"), verdicts, waivers=[waiver])

    assert [f.waiver for f in found.findings] == [None]
    assert found.notices == (f"waiver {waiver.id} is not used: nothing fails {BUCKETS.id} in its scope",)


def test_a_finding_returns_when_its_waiver_expires(tmp_path: Path) -> None:
    waiver = replace(WAIVERS[1], rule=BUCKETS.id, uid="*", environment="*")

    found = view(tmp_path, rows(a="production"), [Verdict(BUCKETS.id, A, "", "fail", "open")], waivers=[waiver])

    assert [(f.waived, f.waiver.state if f.waiver else "") for f in found.findings] == [(False, "expired")]
    assert found.notices == (f"waiver {waiver.id} expired on 2026-10-28: 1 finding it covered returned",)


def test_the_time_a_finding_was_first_seen_comes_from_the_caller(tmp_path: Path) -> None:
    context = Context(first_seen={finding_id(BUCKETS.id, A): 1000.0})

    found = view(tmp_path, rows(a="production"), [Verdict(BUCKETS.id, A, "", "fail")], context=context)

    assert [f.first_seen for f in found.findings] == [1000.0]


def test_a_rule_whose_table_nobody_was_asked_for_is_listed_as_out_of_scope(tmp_path: Path) -> None:
    found = view(tmp_path, rows(a="production"), [])

    lines = {line.what: line.why for line in found.excluded}
    assert "aws-kms-key-rotation" in lines["table aws_kms_key"]
    assert "table aws_s3_bucket" not in lines
    assert "table tierwall_assignment" not in lines


def test_environments_are_shown_with_their_numbers_also_when_they_hold_nothing(tmp_path: Path) -> None:
    verdicts = [Verdict(BUCKETS.id, A, "", "fail"), Verdict(BUCKETS.id, B, "", "pass")]

    found = view(tmp_path, rows(a="production", b=""), verdicts)

    assert [(e.id, e.resources, e.counts.failed, e.counts.passed) for e in found.environments] == [
        ("production", 1, 1, 0),
        ("staging", 0, 0, 0),
        ("", 1, 0, 1),
    ]


def test_the_scanners_own_footprint_is_counted_by_operation() -> None:
    found = result()

    assert sum(line.calls for line in found.calls) == found.calls_made
    assert {(line.service, line.operation) for line in found.calls} == {
        ("rds", "DescribeDBInstances"), ("s3", "GetBucketPolicy"), ("s3", "ListBuckets"),
    }  # fmt: skip
    assert all(line.calls == line.ok + line.absent + line.refused for line in found.calls)


@pytest.mark.parametrize("parent", ["", "abc"])
def test_a_snapshot_of_any_kind_is_shown_by_its_fields(tmp_path: Path, parent: str) -> None:
    with Estate.create(tmp_path / "estate.db") as made:
        made.insert(rows())
        found = build(made, [], RULES, (), Snapshot("7", 1.0, 2.0, "d" * 64, parent), 2.0)

    assert found.snapshot == Snapshot("7", 1.0, 2.0, "d" * 64, parent)
