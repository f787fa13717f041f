"""Whom a statement lets in, and how much it allows: what looks narrow and is not, and the other way round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.collectors.aws.policies import Statement, require_tls
from tests.collectors.aws.test_policies import FOREIGN, OWN, condition, statement

GITHUB = {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"}
CLUSTER = {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"}
SAML = {"Federated": f"arn:aws:iam::{OWN}:saml-provider/people"}
SUB, AUD = "token.actions.githubusercontent.com:sub", "token.actions.githubusercontent.com:aud"


@pytest.mark.parametrize(
    ("principal", "conditions", "everyone"),
    [
        (GITHUB, {}, True),
        (GITHUB, condition("StringEquals", AUD, "sts.amazonaws.com"), True),
        (GITHUB, condition("StringLike", SUB, "repo:*"), True),
        (GITHUB, condition("StringLike", SUB, "repo:acme*"), True),
        (GITHUB, condition("StringLike", SUB, "repo:acme/*"), False),
        (GITHUB, condition("StringEquals", SUB, "repo:acme/shop:ref:refs/heads/main"), False),
        (GITHUB, condition("StringLike", SUB, "repo:acme/*", "repo:*/shop"), True),
        (CLUSTER, {}, False),
        (SAML, {}, False),
        ({"Federated": "cognito-identity.amazonaws.com"}, {}, True),
        (
            {"Federated": "cognito-identity.amazonaws.com"},
            condition("StringEquals", "cognito-identity.amazonaws.com:aud", "eu-west-1:1c9b"),
            False,
        ),
        ({"Federated": "*"}, {}, True),
        ({"Service": "*"}, {}, True),
        ({"Service": "ec2.amazonaws.com"}, {}, False),
    ],
)
def test_an_identity_that_anyone_can_have_is_everyone(
    principal: object, conditions: dict[str, object], everyone: bool
) -> None:
    assert statement(Principal=principal, **conditions).allows_everyone is everyone


@pytest.mark.parametrize(
    ("key", "value", "narrow"),
    [
        ("aws:PrincipalOrgID", "o-a1b2c3", True),
        ("aws:PrincipalOrgID", "o-*", False),
        ("aws:PrincipalOrgPaths", "o-a1b2c3/*", True),
        ("aws:PrincipalOrgPaths", "o-*/*", False),
        ("aws:SourceVpc", "vpc-0a1b", True),
        ("aws:SourceVpc", "vpc-*", False),
        ("aws:SourceVpce", "vpce-?*", False),
        ("aws:userid", "AROAEXAMPLE:*", True),
        ("aws:userid", "A*", False),
        ("aws:userid", "*:*", False),
        ("aws:SourceArn", "arn:aws:s3:::acme-logs", True),
        ("aws:SourceArn", "arn:aws:s3:::acme-logs/*", True),
        ("aws:SourceArn", "arn:aws:s3:::a*", False),
        ("aws:SourceArn", f"arn:aws:sns:*:{OWN}:*", True),
        ("aws:PrincipalArn", "arn:aws:iam::*:role/x", False),
        ("aws:PrincipalAccount", OWN, True),
        ("aws:PrincipalAccount", "1*", False),
        ("s3:DataAccessPointAccount", OWN, True),
        ("aws:UserAgent", "curl", False),
    ],
)
def test_a_condition_narrows_only_by_what_is_written_out(key: str, value: str, narrow: bool) -> None:
    assert statement(**condition("StringLike", key, value)).allows_everyone is not narrow


@pytest.mark.parametrize("action", ["*", "*:*", "**", "?*", "*?:*", ["s3:Get*", "*"]])
@pytest.mark.parametrize("resource", ["*", "**", "arn:*", "arn:aws:*", "arn:*:*:*:*:*"])
def test_everything_is_everything_however_it_is_written(action: object, resource: str) -> None:
    assert statement(Principal=None, Action=action, Resource=resource).is_admin is True


@pytest.mark.parametrize(
    ("action", "resource"),
    [("s3:*", "*"), ("iam:*", "*"), ("*", "arn:aws:s3:::*"), ("*", f"arn:aws:*:*:{OWN}:*"), ("??:*", "*")],
)
def test_less_than_everything_is_not_everything(action: str, resource: str) -> None:
    assert statement(Principal=None, Action=action, Resource=resource).is_admin is False


@pytest.mark.parametrize(
    ("key", "value", "admin"),
    [
        ("aws:PrincipalArn", "*", True),
        ("aws:MultiFactorAuthPresent", "true", True),
        ("aws:RequestedRegion", "eu-west-1", True),
        ("aws:ResourceTag/team", "web", False),
        ("aws:ResourceAccount", OWN, False),
        ("ec2:ResourceTag/team", "web", False),
        ("iam:PassedToService", "ec2.amazonaws.com", False),
    ],
)
def test_a_condition_on_the_request_does_not_make_an_administrator_less_of_one(
    key: str, value: str, admin: bool
) -> None:
    assert (
        statement(Principal=None, Action="*", Resource="*", **condition("StringEquals", key, value)).is_admin is admin
    )


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, False),
        (condition("StringEquals", "sts:ExternalId", "7f3a"), True),
        (condition("StringLike", "sts:ExternalId", "*"), False),
        (condition("StringEqualsIfExists", "sts:ExternalId", "7f3a"), False),
        (condition("StringEquals", "sts:ExternalId", ""), False),
        (condition("StringLike", "aws:userid", "*"), False),
    ],
)
def test_an_external_id_is_one_that_must_be_known(conditions: dict[str, object], expected: bool) -> None:
    assert statement(Principal={"AWS": FOREIGN}, **conditions).requires_external_id is expected


BUCKET = "arn:aws:s3:::b"


def denial(*resources: str, action: object = "s3:*") -> Statement:
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    return Statement.of(
        {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": list(resources), "Condition": insecure}
    )


@pytest.mark.parametrize(
    ("denials", "expected"),
    [
        ([denial(BUCKET, f"{BUCKET}/*")], True),
        ([denial(BUCKET), denial(f"{BUCKET}/*")], True),
        ([denial(f"{BUCKET}*")], True),
        ([denial("*")], True),
        ([denial(BUCKET, f"{BUCKET}/*", action="*")], True),
        ([denial(f"{BUCKET}/*")], False),
        ([denial(BUCKET, f"{BUCKET}/any/*")], False),
        ([denial(BUCKET, f"{BUCKET}/*", action="s3:Get*")], False),
        ([], False),
    ],
)
def test_tls_is_required_when_the_denials_leave_no_object_out(denials: list[Statement], expected: bool) -> None:
    assert require_tls(denials, BUCKET) is expected


@given(st.text(alphabet="ab*?:/-", max_size=20))
def test_no_value_with_a_wildcard_at_its_front_is_narrow(rest: str) -> None:
    for key in (
        "aws:PrincipalOrgID",
        "aws:SourceVpc",
        "aws:PrincipalOrgPaths",
        "aws:userid",
        SUB,
        "aws:PrincipalAccount",
    ):
        assert statement(**condition("StringLike", key, f"*{rest}")).allows_everyone is True
