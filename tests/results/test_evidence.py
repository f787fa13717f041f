"""Which calls answered for a resource, and which values a verdict rests on."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.results import ApiCall, Context, DocumentRef, build
from scanner.results.evidence import Ledger
from scanner.rules.rule import Quantifier, Rule
from scanner.rules.verdict import Because, Verdict
from scanner.store.estate import Estate
from scanner.tables import Assignment, Call, Environment, Requested, Row, Scope
from scanner.tables.aws_policy import AwsPolicyStatement
from scanner.tables.aws_rds import AwsRdsInstance
from tests.support.results import FINISH, SNAPSHOT

ROLE = "arn:aws:iam::1:role/a"


def call(number: int, operation: str, uid: str = "", scope: str = "aws/1/global", service: str = "iam") -> ApiCall:
    return ApiCall(number, scope, service, operation, "ok", uid=uid)


LEDGER = Ledger(
    [
        call(1, "ListRoles"),
        call(2, "ListRoles", scope="aws/2/global"),
        call(3, "GetRole", ROLE),
        call(4, "GetRole", "arn:aws:iam::1:role/b"),
        call(5, "GetPublicAccessBlock", service="s3control"),
        call(6, "GetPublicAccessBlock", "arn:aws:s3:::logs", service="s3"),
        call(7, "list namespaces", scope="kubernetes/eu", service="core/v1"),
        call(8, "list deployments", scope="kubernetes/eu", service="apps/v1", uid="k8s:eu//Namespace/pay"),
        call(9, "list deployments", scope="kubernetes/eu", service="apps/v1", uid="k8s:eu//Namespace/hr"),
        call(10, "yaml", "cfg:production", "config/a", "file"),
        call(11, "read manifest", "deploy/a.yaml", "manifests/deploy", "file"),
        call(12, "read manifest", "deploy/b.yaml", "manifests/deploy", "file"),
    ]
)


@pytest.mark.parametrize(
    ("uid", "scope", "operations", "place", "expected"),
    [
        (ROLE, "aws/1/global", ("ListRoles", "GetRole"), {}, [1, 3]),
        (ROLE, "aws/1/global", ("ListRoles",), {}, [1, 3]),  # its own calls too where they gave no part: refused ones
        ("arn:aws:s3:::logs", "aws/1/global", ("GetPublicAccessBlock",), {}, [6]),
        ("arn:aws:iam::1:root", "aws/1/global", ("GetPublicAccessBlock",), {}, [5]),
        (
            "k8s:eu/pay/Deployment/web", "kubernetes/eu", ("list deployments",),
            {"namespace": "k8s:eu//Namespace/pay"}, [8],
        ),
        ("k8s:eu//Namespace/pay", "kubernetes/eu", ("list namespaces",), {}, [7]),
        ("cfg:production/db.host", "config/a", ("effective",), {"file": "config/base.yaml"}, [10]),
        ("k8s:plan/x/Pod/a", "manifests/deploy", (), {"file": "deploy/b.yaml"}, [12]),
    ],
)  # fmt: skip
def test_the_calls_of_a_resource_are_its_listing_its_own_and_its_files(
    uid: str, scope: str, operations: tuple[str, ...], place: dict[str, str], expected: list[int]
) -> None:
    assert [c.id for c in LEDGER.of(uid, scope, operations, **place)] == expected


DATABASE = "arn:aws:rds:eu:1:db:a"
RETENTION = Rule(
    "a-retention", "Kept", "high", "why", "fix", "aws_rds_instance", "short",
    when="environment.backup_keep_seconds > 0", path=Path("backup/a-retention.yaml"),
    require="backup_retention_seconds >= environment.backup_keep_seconds",
)  # fmt: skip
POLICY = Rule(
    "a-policy", "Named", "high", "why", "fix", "aws_rds_instance", "open",
    quantifiers=(Quantifier("none", "aws_policy_statement", "c.allows_everyone", "resource"),),
    path=Path("access/p.yaml"),
)  # fmt: skip


def values(tmp_path: Path, rule: Rule, verdict: Verdict) -> dict[str, object]:
    rows: list[Row] = [
        Scope(id="aws/1/eu", source="aws", account="1", region="eu"),
        Requested(scope="aws/1/eu", table_name="aws_rds_instance"),
        Environment(id="production", tier="production", backup_keep_seconds=3600),
        AwsRdsInstance(scope="aws/1/eu", uid=DATABASE, name="a", backup_retention_seconds=7200),
        AwsPolicyStatement(scope="aws/1/eu", uid=DATABASE, allows_everyone=False),
        Assignment(uid=DATABASE, environment="production"),
        Call(id=1, scope="aws/1/eu", service="rds", operation="DescribeDBInstances"),
    ]
    context = Context(documents={DATABASE: DocumentRef("d" * 64, ("DescribeDBInstances",))})
    with Estate.create(tmp_path / "estate.db") as estate:
        estate.insert(rows)
        found = build(estate, [verdict], [rule], (), SNAPSHOT, FINISH, include_passed=True, context=context)
    (finding,) = (*found.findings, *found.passed)
    assert [c.operation for c in finding.evidence.calls] == ["DescribeDBInstances"]
    return dict(finding.evidence.values)


def test_a_pass_names_the_values_and_the_threshold_that_it_rests_on(tmp_path: Path) -> None:
    assert values(tmp_path, RETENTION, Verdict("a-retention", DATABASE, "", "pass")) == {
        "backup_retention_seconds": 7200, "environment.backup_keep_seconds": 3600,
    }  # fmt: skip


def test_of_a_rule_that_is_not_applicable_only_its_condition_is_told(tmp_path: Path) -> None:
    verdict = Verdict("a-retention", DATABASE, "", "not_applicable")

    assert values(tmp_path, RETENTION, verdict) == {"environment.backup_keep_seconds": 3600}


def test_a_list_is_counted_unless_it_may_lack_what_was_not_read(tmp_path: Path) -> None:
    because = (Because("denied", "aws_policy_statement", "", DATABASE),)

    assert values(tmp_path, POLICY, Verdict("a-policy", DATABASE, "", "pass")) == {"count(aws_policy_statement)": 1}
    (tmp_path / "estate.db").unlink()
    assert values(tmp_path, POLICY, Verdict("a-policy", DATABASE, "", "unknown", "", because)) == {}


def test_a_listing_of_another_service_with_the_same_name_is_no_evidence() -> None:
    eks, emr = (
        ApiCall(id=n, service=service, operation="ListClusters", scope="s", status="ok")
        for n, service in ((1, "eks"), (2, "emr"))
    )

    assert Ledger([eks, emr]).of("uid", "s", ("emr:ListClusters",)) == (emr,)
