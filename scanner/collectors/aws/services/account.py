"""The account itself: root user, password policy, organization, public access to S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read, Refused
from scanner.collectors.aws.shaping import days, field
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsAccount
from scanner.tables.aws_s3 import AwsS3Bucket

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

# Without a policy of its own an account has AWS's default: 8 characters, never expiring, three of four character types.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html (read 2026-11)
_DEFAULT_LENGTH = 8
_POLICY_COLUMNS = (
    "password_policy_set", "password_min_length", "password_requires_lowercase", "password_requires_uppercase",
    "password_requires_number", "password_requires_symbol", "password_max_age_seconds", "password_reuse_prevention",
)  # fmt: skip
_ORGANIZATION_COLUMNS = ("in_organization", "organization_uid", "management_account", "is_management_account")
_BLOCK_COLUMNS = (
    "s3_block_public_acls", "s3_ignore_public_acls", "s3_block_public_policy", "s3_restrict_public_buckets",
)  # fmt: skip

PUBLIC_ACCESS_BLOCK = Read(
    "s3control",
    "GetPublicAccessBlock",
    "s3:GetAccountPublicAccessBlock",
    columns={AwsAccount: _BLOCK_COLUMNS, AwsS3Bucket: ("public_access_blocked", "is_public")},
    absent=("NoSuchPublicAccessBlockConfiguration",),
    gives=("PublicAccessBlockConfiguration.BlockPublicAcls",),
    part="GetAccountPublicAccessBlock",
)
PER = "account"
READS = (
    Read(
        "iam", "GetAccountSummary", "iam:GetAccountSummary", gives=("SummaryMap.AccountMFAEnabled",),
        columns={AwsAccount: ("root_mfa_enabled", "root_access_keys")},
    ),
    Read(
        "iam", "GetAccountPasswordPolicy", "iam:GetAccountPasswordPolicy", gives=("PasswordPolicy",),
        columns={AwsAccount: _POLICY_COLUMNS}, absent=("NoSuchEntity",),
    ),
    Read("iam", "ListAccountAliases", "iam:ListAccountAliases", columns={AwsAccount: ("alias", "name")}),
    Read(
        "organizations", "DescribeOrganization", "organizations:DescribeOrganization", gives=("Organization.Id",),
        columns={AwsAccount: _ORGANIZATION_COLUMNS}, absent=("AWSOrganizationsNotInUseException",),
    ),
    PUBLIC_ACCESS_BLOCK,
)  # fmt: skip


def fetch(api: Api) -> None:
    """One document: the account."""
    uid = arn("aws_account", account=api.account.id, partition=api.account.partition)
    parts: dict[str, Json] = {}
    for operation in ("GetAccountSummary", "GetAccountPasswordPolicy", "DescribeOrganization"):
        api.detail(parts, operation, uid=uid)
    aliases = api.gather("ListAccountAliases", "AccountAliases")
    if aliases is not None:
        parts["ListAccountAliases"] = aliases
    block = api.shared(PUBLIC_ACCESS_BLOCK.name, AccountId=api.account.id)
    if not isinstance(block, Refused):
        parts[PUBLIC_ACCESS_BLOCK.name] = block
    name = api.account.name or next(iter(aliases or ()), api.account.id)
    api.document("aws_account", uid, name, parts)


def shape(document: Document) -> Iterator[Placed]:
    row = AwsAccount(**document.place)
    parts = document.parts
    if "GetAccountSummary" in parts:
        summary = field(parts["GetAccountSummary"], "SummaryMap", {})
        row.root_mfa_enabled = bool(summary.get("AccountMFAEnabled", 0))
        row.root_access_keys = bool(summary.get("AccountAccessKeysPresent", 0))
    if "ListAccountAliases" in parts:
        row.alias = next(iter(parts["ListAccountAliases"]), "")
    if "GetAccountPasswordPolicy" in parts:
        _password_policy(row, parts["GetAccountPasswordPolicy"])
    if "DescribeOrganization" in parts:
        organization = (parts["DescribeOrganization"] or {}).get("Organization", {})
        row.in_organization = bool(organization)
        row.organization_uid = organization.get("Arn", "")
        row.management_account = organization.get("MasterAccountId", "")
        row.is_management_account = bool(organization) and row.management_account == document.account
    if PUBLIC_ACCESS_BLOCK.name in parts:
        block = block_of(parts[PUBLIC_ACCESS_BLOCK.name])
        row.s3_block_public_acls, row.s3_ignore_public_acls = block["BlockPublicAcls"], block["IgnorePublicAcls"]
        row.s3_block_public_policy = block["BlockPublicPolicy"]
        row.s3_restrict_public_buckets = block["RestrictPublicBuckets"]
    yield row


def block_of(part: Json) -> dict[str, bool]:
    """The four settings of a public access block; all off where there is none."""
    block = (part or {}).get("PublicAccessBlockConfiguration", {})
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return {name: bool(block.get(name, False)) for name in names}


def _password_policy(row: AwsAccount, part: Json) -> None:
    policy = (part or {}).get("PasswordPolicy", {})
    row.password_policy_set = bool(policy)
    row.password_min_length = policy.get("MinimumPasswordLength", _DEFAULT_LENGTH)
    row.password_requires_lowercase = policy.get("RequireLowercaseCharacters", False)
    row.password_requires_uppercase = policy.get("RequireUppercaseCharacters", False)
    row.password_requires_number = policy.get("RequireNumbers", False)
    row.password_requires_symbol = policy.get("RequireSymbols", False)
    row.password_max_age_seconds = days(policy.get("MaxPasswordAge", 0))
    row.password_reuse_prevention = policy.get("PasswordReusePrevention", 0)


KINDS = (Kind("aws_account", (AwsAccount,), shape),)
