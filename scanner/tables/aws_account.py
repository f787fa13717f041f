"""Accounts, their regions, and tags. A column that ends in `_uid` holds the uid (the ARN) of another resource."""

from __future__ import annotations

from typing import ClassVar

from scanner.tables.base import Child, Derived, Resource, column


class AwsAccount(Resource, title="An AWS account"):
    """uid `arn:aws:iam::<account>:root`; name as declared in tierwall.yaml."""

    alias: str | None = column("Account alias; '' if none.")
    in_organization: bool | None = column("Belongs to an AWS organization.")
    organization_uid: str | None = column("ARN of the organization; '' if none.")
    management_account: str | None = column("Id of the organization's management account; '' if none.")
    is_management_account: bool | None = column("It is the management account of its organization.")
    root_mfa_enabled: bool | None = column("The root user signs in with a second factor.")
    root_access_keys: bool | None = column("The root user has access keys.")
    password_policy_set: bool | None = column("A password policy of its own is set; without one AWS's default holds.")
    password_min_length: int | None = column("Shortest password; AWS's default is 8.", unit="characters")
    password_requires_lowercase: bool | None = column("Passwords need a lower-case letter.")
    password_requires_uppercase: bool | None = column("Passwords need an upper-case letter.")
    password_requires_number: bool | None = column("Passwords need a digit.")
    password_requires_symbol: bool | None = column("Passwords need a symbol.")
    password_max_age_seconds: int | None = column("Passwords expire after; 0 never.", unit="seconds")
    password_reuse_prevention: int | None = column("How many earlier passwords may not be used again; 0 none.")
    s3_block_public_acls: bool | None = column("Account-wide: new public ACLs are refused.")
    s3_ignore_public_acls: bool | None = column("Account-wide: public ACLs have no effect.")
    s3_block_public_policy: bool | None = column("Account-wide: public bucket policies are refused.")
    s3_restrict_public_buckets: bool | None = column("Account-wide: public bucket policies admit this account only.")


class AwsRegion(Resource, title="An AWS region of an account, with the account's settings there"):
    """uid `arn:aws:ec2:<region>:<account>:region/<region>`, which is ours: AWS gives regions no ARN."""

    ebs_encryption_by_default: bool | None = column("New EBS volumes are encrypted.")
    snapshot_public_access: str | None = column("unblocked, block-new-sharing or block-all-sharing.")


class AwsTag(Child, title="A tag of an AWS resource"):
    """Child of any resource."""

    key_name: str | None = column("The tag's key.")
    value: str | None = column("The tag's value; '' if empty.")


class AwsAccountChange(Derived, title="A kind of change in an account, and whether somebody is told of it"):
    """A row an account and kind of change: root-usage, trails, iam-policies, …; uid is the account's."""

    inputs: ClassVar[tuple[str, ...]] = (
        "aws_account", "aws_cloudtrail_trail", "aws_log_group", "aws_log_watch", "aws_alarm", "aws_alarm_metric",
    )  # fmt: skip
    key: ClassVar[tuple[str, ...]] = ("uid", "change")
    change: str = column("The kind of change.", default="")
    is_told: bool | None = column(
        "A trail of all regions sends it to a log group, a metric filter there selects every event of it, and an alarm "
        "on that metric tells somebody."
    )
