"""What runs and what is only code are judged apart, in a snapshot that holds both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scanner.environments import assign
from scanner.results.apart import judged
from scanner.rules import load_rules
from scanner.store import Estate
from scanner.tables import Call, Gap, Requested, Row, Scope
from scanner.tables.aws_account import AwsAccount
from scanner.tables.aws_cloudtrail import AwsCloudtrailTrail
from tests.support.gate import AS_OF, policy

ACCOUNT = "111111111111"
LIVE, PLAN = f"aws/{ACCOUNT}/global", "terraform/infra/plan.json"
RULE = """
id: a-trail
title: The account has a trail
severity: high
why: Nobody could tell who did what.
fix: Make one.
resource: aws_account
any: {of: aws_cloudtrail_trail, where: is_multi_region and is_logging, within: account}
message: "{account} has none"
examples:
  - {name: a, row: {account: "1"}, tables: {aws_cloudtrail_trail: [{account: "1", is_multi_region: 1, is_logging: 1}]}, expect: pass}
  - {name: b, row: {account: "1"}, tables: {aws_cloudtrail_trail: [{account: "1", is_multi_region: 1, is_logging: 0}]}, expect: fail}
  - {name: c, row: {account: "1"}, tables: {aws_cloudtrail_trail: [{account: "1", is_multi_region: 1, is_logging: null}]}, expect: unknown}
"""  # noqa: E501


def trail(scope: str, source: str) -> AwsCloudtrailTrail:
    return AwsCloudtrailTrail(
        scope=scope, uid=f"trail of {source}", account=ACCOUNT, region="eu-west-1", source=source, is_multi_region=True,
        is_logging=True,
    )  # fmt: skip


def account(scope: str, source: str) -> AwsAccount:
    return AwsAccount(scope=scope, uid=f"account of {source}", account=ACCOUNT, source=source)


ASKED = [Requested(scope=s, table_name=t.table) for s in (LIVE, PLAN) for t in (AwsAccount, AwsCloudtrailTrail)]
REFUSED = [
    Call(id=1, scope=PLAN, service="file", operation="terraform show", status="error"),
    Gap(scope=PLAN, table_name=AwsCloudtrailTrail.table, reason="error", call=1),
]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([trail(PLAN, "terraform")], {"account of aws": "fail", "account of terraform": "pass"}),
        ([trail(LIVE, "aws")], {"account of aws": "pass", "account of terraform": "fail"}),
        (REFUSED, {"account of aws": "fail", "account of terraform": "unknown"}),
    ],
    ids=["a planned trail", "a running trail", "code that was not read"],
)
def test_neither_side_is_evidence_or_an_excuse_for_the_other(
    rows: list[Row], found: dict[str, str], tmp_path: Path
) -> None:
    scopes = [Scope(id=LIVE, source="aws", account=ACCOUNT), Scope(id=PLAN, source="terraform")]
    with Estate.create(tmp_path / "estate.db") as estate:
        estate.insert([*scopes, *ASKED, account(LIVE, "aws"), account(PLAN, "terraform"), *rows])
        (tmp_path / "a-trail.yaml").write_text(RULE)
        chosen = replace(policy(), rules=load_rules([tmp_path / "a-trail.yaml"]))
        assign(estate, chosen.config)

        verdicts = list(judged(estate, chosen, AS_OF, {}))

    assert {v.uid: v.status for v in verdicts} == found
    assert [v[:3] for v in verdicts] == sorted(v[:3] for v in verdicts)
