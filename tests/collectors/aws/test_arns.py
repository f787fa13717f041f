"""One identity for each resource, wherever it is read."""

from __future__ import annotations

import pytest

from scanner.collectors.aws.arns import PATTERNS, account_of, arn, policy_uid, region_of


@pytest.mark.parametrize(
    ("table", "id", "region", "uid"),
    [
        ("aws_vpc", "vpc-1", "eu-west-1", "arn:aws:ec2:eu-west-1:111111111111:vpc/vpc-1"),
        ("aws_vpc", "vpc-1", "cn-north-1", "arn:aws-cn:ec2:cn-north-1:111111111111:vpc/vpc-1"),
        ("aws_vpc", "vpc-1", "us-gov-west-1", "arn:aws-us-gov:ec2:us-gov-west-1:111111111111:vpc/vpc-1"),
        ("aws_s3_bucket", "logs", "", "arn:aws:s3:::logs"),
        ("aws_rds_instance", "orders", "eu-west-1", "arn:aws:rds:eu-west-1:111111111111:db:orders"),
        ("aws_iam_user", "/staff/alice", "", "arn:aws:iam::111111111111:user/staff/alice"),
        ("aws_account", "", "", "arn:aws:iam::111111111111:root"),
    ],
)
def test_natural_keys_make_the_arn(table: str, id: str, region: str, uid: str) -> None:
    assert arn(table, id, account="111111111111", region=region) == uid


def test_no_two_tables_share_a_pattern() -> None:
    assert len(set(PATTERNS.values())) == len(PATTERNS)


def test_a_policy_of_aws_is_a_row_in_each_account_that_uses_it() -> None:
    of_aws = "arn:aws:iam::aws:policy/job-function/Auditor"

    assert policy_uid(of_aws, "111111111111") == "arn:aws:iam::111111111111:aws-policy/job-function/Auditor"
    assert policy_uid("arn:aws:iam::111111111111:policy/own", "111111111111") == "arn:aws:iam::111111111111:policy/own"


def test_places_are_read_off_an_arn() -> None:
    uid = "arn:aws:rds:eu-west-1:111111111111:db:orders"

    assert (region_of(uid), account_of(uid)) == ("eu-west-1", "111111111111")
    assert (region_of("orders"), account_of("arn:aws:iam::aws:policy/x")) == ("", "")
