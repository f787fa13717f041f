"""The one reading of IAM policies: every form of writing, and what it means."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.collectors.aws.policies import Policy, Statement, matches, parse, rows
from scanner.tables.aws_policy import (
    AwsPolicyAction,
    AwsPolicyCondition,
    AwsPolicyPrincipal,
    AwsPolicyResource,
    AwsPolicyStatement,
)

OWN, FOREIGN = "111111111111", "222222222222"
PLACE = {
    "scope": "s", "uid": "arn:aws:s3:::b", "name": "b", "account": OWN, "region": "", "cluster": "", "namespace": "",
    "source": "aws", "file": "", "line": 0,
}  # fmt: skip
BASE = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}


def read(document: Any, kind: str = "resource", account: str = OWN) -> list[Any]:
    return list(rows(PLACE | {"account": account}, [Policy(kind, "p", document)]))


def statement(account: str = OWN, **parts: Any) -> AwsPolicyStatement:
    """The row of one statement: BASE with these parts instead."""
    raw = {k: v for k, v in (BASE | parts).items() if v is not None}
    (row,) = (r for r in read({"Statement": raw}, account=account) if isinstance(r, AwsPolicyStatement))
    return row


def condition(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values) if len(values) != 1 else values[0]}}}


def test_a_statement_may_be_one_object_and_its_parts_single_strings() -> None:
    single = {"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "s3:Get*", "Resource": "arn:aws:s3:::b"}
    listed = {k: [v] if isinstance(v, str) and k != "Effect" else v for k, v in single.items()}
    listed["Principal"] = {"AWS": [OWN]}

    assert read({"Statement": single}) == read({"Statement": [listed]})
    assert read({"Statement": single}) == read(json.dumps({"Statement": single}))


def test_every_part_is_a_row_of_its_own() -> None:
    found = read(
        {
            "Statement": [
                {"Sid": "a", "Effect": "Deny", "NotPrincipal": {"AWS": f"arn:aws:iam::{OWN}:root"},
                 "NotAction": ["S3:Get*", "s3:List*"], "NotResource": "arn:aws:s3:::b/*",
                 "Condition": {"Bool": {"aws:SecureTransport": False}}},
            ]
        }
    )  # fmt: skip

    assert [(r.sid, r.allows, r.has_conditions) for r in found if isinstance(r, AwsPolicyStatement)] == [
        ("a", False, True)
    ]
    assert [(r.negated, r.principal_kind, r.principal_account) for r in found if isinstance(r, AwsPolicyPrincipal)] == [
        (True, "account", OWN)
    ]
    assert [(r.negated, r.action) for r in found if isinstance(r, AwsPolicyAction)] == [
        (True, "s3:get*"),
        (True, "s3:list*"),
    ]
    assert [(r.negated, r.resource) for r in found if isinstance(r, AwsPolicyResource)] == [(True, "arn:aws:s3:::b/*")]
    assert [(r.operator, r.condition_key, r.value) for r in found if isinstance(r, AwsPolicyCondition)] == [
        ("Bool", "aws:securetransport", "false")
    ]


@pytest.mark.parametrize(
    "document", ["not json", "[]", "{}", {"Version": "2012-10-17"}, {"Statement": [None]}, {"Statement": "x"},
                 {"Statement": {"Effect": "Maybe"}}, None],
)  # fmt: skip
def test_a_policy_that_cannot_be_read_is_unknown_not_harmless(document: Any) -> None:
    (row,) = read(document)

    assert (row.allows, row.allows_everyone, row.allows_other_account, row.is_admin) == (None, None, None, None)


@pytest.mark.parametrize(
    ("principal", "everyone", "beyond"),
    [
        ("*", True, True),
        (["*"], True, True),
        ({"AWS": "*"}, True, True),
        ({"AWS": ["*", OWN]}, True, True),
        ({"*": "*"}, True, True),
        ({"AWS": OWN}, False, False),
        ({"AWS": f"arn:aws:iam::{OWN}:root"}, False, False),
        ({"AWS": f"arn:aws:iam::{FOREIGN}:root"}, False, True),
        ({"AWS": [OWN, FOREIGN]}, False, True),
        ({"AWS": f"arn:aws:sts::{FOREIGN}:assumed-role/r/s"}, False, True),
        ({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}, False, False),
        ({"AWS": "AIDAEXAMPLEDELETED"}, False, False),
        ({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}, False, True),
        ({"Service": "ec2.amazonaws.com"}, False, False),
        ({"Federated": f"arn:aws:iam::{OWN}:saml-provider/corp"}, False, False),
        ({"Federated": "accounts.google.com"}, True, False),
    ],
)
def test_who_is_allowed(principal: Any, everyone: bool, beyond: bool) -> None:
    row = statement(Principal=principal)

    assert (row.allows_everyone, row.allows_other_account) == (everyone, beyond)


def test_not_principal_allows_everyone_else() -> None:
    row = statement(Principal=None, NotPrincipal={"AWS": OWN})

    assert (row.allows_everyone, row.allows_other_account) == (True, True)


def test_an_identity_policy_names_nobody() -> None:
    row = statement(Principal=None)

    assert (row.allows_everyone, row.allows_other_account) == (False, False)


def test_in_an_account_that_is_not_known_named_accounts_may_be_its_own() -> None:
    assert statement(account="", Principal={"AWS": FOREIGN}).allows_other_account is None
    assert statement(account="", Principal="*").allows_other_account is True


@pytest.mark.parametrize(
    ("condition", "scoped"),
    [
        (condition("StringEquals", "aws:PrincipalOrgID", "o-1234567890"), True),
        (condition("StringEquals", "AWS:PRINCIPALORGID", "o-1234567890"), True),
        (condition("StringLike", "aws:PrincipalOrgID", "*"), False),
        (condition("StringLike", "aws:PrincipalOrgID", "o-1234567890", "*"), False),
        (condition("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1234567890"), False),
        (condition("ForAllValues:StringLike", "aws:PrincipalOrgPaths", "o-1/r-1/*"), False),
        (condition("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/r-1/*"), True),
        (condition("StringNotEquals", "aws:PrincipalOrgID", "o-1234567890"), False),
        (condition("Null", "aws:PrincipalOrgID", "false"), False),
        (condition("StringEquals", "aws:SourceAccount", FOREIGN), True),
        (condition("StringLike", "aws:SourceAccount", "1*"), False),
        (condition("StringEquals", "aws:SourceVpce", "vpce-1"), True),
        (condition("ArnLike", "aws:SourceArn", f"arn:aws:sns:*:{FOREIGN}:*"), True),
        (condition("ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:topic"), False),
        (condition("ArnLike", "aws:SourceArn", "arn:aws:s3:::bucket"), True),
        (condition("ArnLike", "aws:SourceArn", "arn:aws:s3:::*"), False),
        (condition("StringLike", "aws:PrincipalArn", "arn:aws:iam::*:role/admin"), False),
        (condition("IpAddress", "aws:SourceIp", "203.0.113.0/24"), True),
        (condition("IpAddress", "aws:SourceIp", "0.0.0.0/0"), False),
        (condition("IpAddress", "aws:SourceIp", "0.0.0.0/1", "128.0.0.0/1"), False),
        (condition("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"), False),
        (condition("Bool", "aws:SecureTransport", "true"), False),
        (condition("Bool", "aws:PrincipalIsAWSService", "true"), True),
        (condition("StringEquals", "kms:ViaService", "s3.eu-west-1.amazonaws.com"), False),
        (condition("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control"), False),
        (condition("StringLike", "token.actions.githubusercontent.com:sub", "repo:acme/*"), True),
        (condition("StringLike", "token.actions.githubusercontent.com:sub", "*"), False),
    ],
)
def test_conditions_that_say_who_or_whence_close_a_statement(condition: dict[str, Any], scoped: bool) -> None:
    row = statement(**condition)

    assert (row.has_conditions, row.is_scoped, row.allows_everyone) == (True, scoped, not scoped)


@pytest.mark.parametrize(
    ("actions", "only_reads"),
    [
        ({"Action": "s3:GetObject"}, True),
        ({"Action": ["s3:Get*", "S3:LISTBUCKET"]}, True),
        ({"Action": ["s3:GetObject", "s3:PutObject"]}, False),
        ({"Action": "s3:*"}, False),
        ({"Action": "s3:G*"}, False),
        ({"Action": "*"}, False),
        ({"NotAction": "s3:GetObject"}, False),
    ],
)
def test_what_may_be_more_than_reading_is_not_only_reading(actions: dict[str, Any], only_reads: bool) -> None:
    raw = {"Effect": "Allow", "Principal": "*", "Resource": "*", **actions}

    assert Statement.of(raw).only_reads is only_reads


def test_one_narrow_condition_among_several_is_enough() -> None:
    tests = {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}

    assert statement(Condition=tests).allows_everyone is False


@pytest.mark.parametrize(("accounts", "beyond"), [([OWN], False), ([OWN, FOREIGN], True), ([FOREIGN], True)])
def test_everyone_of_the_own_account_is_not_another_account(accounts: list[str], beyond: bool) -> None:
    row = statement(**condition("StringEquals", "kms:CallerAccount", *accounts))

    assert (row.allows_everyone, row.allows_other_account) == (False, beyond)


@pytest.mark.parametrize(
    ("parts", "admin"),
    [
        ({"Action": "*"}, True),
        ({"Action": ["s3:*", "*:*"]}, True),
        ({"Action": "s3:*"}, False),
        ({"Action": "*", "Resource": "arn:aws:s3:::b"}, False),
        ({"Action": "*", "Resource": None, "NotResource": "arn:aws:s3:::b"}, True),
        ({"Action": None, "NotAction": "s3:*"}, True),
        ({"Action": None, "NotAction": ["IAM:*", "organizations:*"]}, False),
        ({"Action": "*", "Effect": "Deny"}, False),
        ({"Action": "*", **condition("Bool", "aws:MultiFactorAuthPresent", "true")}, True),
    ],
)
def test_who_is_an_administrator(parts: dict[str, Any], admin: bool) -> None:
    assert statement(**parts).is_admin is admin


@pytest.mark.parametrize(
    ("parts", "required"),
    [
        ({"Effect": "Deny", "Action": "s3:*", **condition("Bool", "aws:SecureTransport", "false")}, True),
        ({"Effect": "Deny", "Action": "*", **condition("BoolIfExists", "aws:SecureTransport", False)}, True),
        ({"Effect": "Deny", "Action": "s3:GetObject", **condition("Bool", "aws:SecureTransport", "false")}, False),
        ({"Effect": "Deny", "Action": "s3:*", **condition("Bool", "aws:SecureTransport", "true")}, False),
        ({"Effect": "Allow", "Action": "s3:*", **condition("Bool", "aws:SecureTransport", "true")}, False),
        (
            {"Effect": "Deny", "Action": "s3:*", "Principal": {"AWS": OWN},
             **condition("Bool", "aws:SecureTransport", "false")},
            False,
        ),
        (
            {"Effect": "Deny", "Action": "s3:*",
             "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}},
            False,
        ),
    ],
)  # fmt: skip
def test_who_may_come_without_tls(parts: dict[str, Any], required: bool) -> None:
    assert statement(**parts).requires_tls is required


@pytest.mark.parametrize(
    ("parts", "required"),
    [
        (condition("Bool", "aws:MultiFactorAuthPresent", "true"), True),
        (condition("BoolIfExists", "aws:MultiFactorAuthPresent", "true"), False),
        (condition("NumericLessThan", "aws:MultiFactorAuthAge", "3600"), True),
        ({"Effect": "Deny", **condition("BoolIfExists", "aws:MultiFactorAuthPresent", "false")}, True),
        ({"Effect": "Deny", **condition("Bool", "aws:MultiFactorAuthPresent", "false")}, False),
        ({}, False),
    ],
)
def test_who_may_come_without_a_second_factor(parts: dict[str, Any], required: bool) -> None:
    assert statement(**parts).requires_mfa is required


def test_children_name_the_statement_they_belong_to() -> None:
    found = list(
        rows(
            PLACE,
            [
                Policy("trust", "", {"Statement": BASE | {"Action": "sts:AssumeRole"}}),
                Policy("identity", "z", {"Statement": [BASE | {"Action": "s3:Put*"}, BASE | {"Action": "s3:List*"}]}),
            ],
        )
    )
    named = {r.ordinal: (r.policy_kind, r.policy_name) for r in found if isinstance(r, AwsPolicyStatement)}
    actions = {named[r.statement] + (r.action,) for r in found if isinstance(r, AwsPolicyAction)}

    assert actions == {("identity", "z", "s3:put*"), ("identity", "z", "s3:list*"), ("trust", "", "sts:assumerole")}


def test_a_policy_in_a_url_is_a_policy() -> None:
    assert parse("%7B%22Statement%22%3A%5B%5D%7D") == {"Statement": []}


@given(st.text("ab:*?", max_size=8), st.text("ab:", max_size=8))
def test_globs_match_as_the_grammar_says(pattern: str, text: str) -> None:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert matches(pattern, text) == (re.fullmatch(expression, text) is not None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["Statement", "Effect", "Action", "Principal", "AWS", "Condition", "Bool", "Resource"]), inner
    ),
    max_leaves=12,
)  # fmt: skip


@given(_JSON)
def test_no_policy_however_odd_stops_a_scan(document: Any) -> None:
    assert isinstance(read(document)[0], AwsPolicyStatement) or document in ({"Statement": []},)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"Statement": NaN}', '{"Statement": [], "Statement": []}'], ids=len
)
def test_hostile_text_is_a_policy_that_nobody_can_read(text: str) -> None:
    (row,) = read(text)

    assert parse(text) == text
    assert (row.allows_everyone, row.is_admin) == (None, None)
