"""DynamoDB tables: encryption, point-in-time recovery, whom their policies let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws import policies
from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read, Tables
from scanner.collectors.aws.shaping import days, field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_dynamodb import AwsDynamodbTable

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_TABLE: Tables = (AwsDynamodbTable, *policies.TABLES, AwsTag)
# Where nothing else is said. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html
_PITR_DAYS = 35


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    raw = field(parts.get("DescribeTable"), "Table", {})
    row = AwsDynamodbTable(**document.place)
    if raw is not None:
        encryption = raw.get("SSEDescription", {})
        in_use = encryption.get("Status") in ("ENABLED", "UPDATING", "ENABLING")
        row.created = seconds(raw.get("CreationDateTime"))
        row.kms_key_uid = encryption.get("KMSMasterKeyArn", "") if in_use else ""
        row.encryption = "KMS" if in_use else "AWS_OWNED"
        row.deletion_protection = raw.get("DeletionProtectionEnabled", False)
    backups = field(parts.get("DescribeContinuousBackups"), "ContinuousBackupsDescription", {})
    if backups is not None:
        recovery = backups.get("PointInTimeRecoveryDescription", {})
        row.pitr_enabled = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
        row.pitr_period_seconds = days(recovery.get("RecoveryPeriodInDays", _PITR_DAYS)) if row.pitr_enabled else 0
    yield row
    if parts.get("GetResourcePolicy"):
        yield from policies.rows(document.place, [policies.Policy("resource", "", parts["GetResourcePolicy"])])
    yield from tag_rows(document, tag_map(field(parts.get("ListTagsOfResource"), "Tags", ()) or ()), document.place)


KINDS = (
    Kind(
        "aws_dynamodb_table", _TABLE, shape,
        volatile=(
            "DescribeTable.Table.ItemCount", "DescribeTable.Table.TableSizeBytes",
            "DescribeContinuousBackups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.EarliestRestorableDateTime",
            "DescribeContinuousBackups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.LatestRestorableDateTime",
        ),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("dynamodb", "ListTables", "dynamodb:ListTables", rows=_TABLE),
    Read(
        "dynamodb", "DescribeTable", "dynamodb:DescribeTable", gives=("Table",),
        columns={AwsDynamodbTable: ("created", "encryption", "kms_key_uid", "deletion_protection")},
    ),
    Read(
        "dynamodb", "DescribeContinuousBackups", "dynamodb:DescribeContinuousBackups",
        gives=("ContinuousBackupsDescription",), columns={AwsDynamodbTable: ("pitr_enabled", "pitr_period_seconds")},
    ),
    Read(
        "dynamodb", "GetResourcePolicy", "dynamodb:GetResourcePolicy", rows=policies.TABLES,
        gives=("Policy",), absent=("PolicyNotFoundException",),
    ),
    Read("dynamodb", "ListTagsOfResource", "dynamodb:ListTagsOfResource", rows=(AwsTag,), gives=("Tags",)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every table; the listing gives names alone."""
    api.each(lambda name: _table(api, name), api.items("ListTables", "TableNames"))


def _table(api: Api, name: Json) -> None:
    uid = arn("aws_dynamodb_table", name, account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {"ListTables": name}
    api.detail(parts, "DescribeTable", uid=uid, TableName=name)
    api.detail(parts, "DescribeContinuousBackups", uid=uid, TableName=name)
    if api.detail(parts, "GetResourcePolicy", uid=uid, ResourceArn=uid) and parts["GetResourcePolicy"]:
        parts["GetResourcePolicy"] = policies.parse(parts["GetResourcePolicy"]["Policy"])
    api.detail(parts, "ListTagsOfResource", uid=uid, ResourceArn=uid)
    api.document("aws_dynamodb_table", uid, name, parts)
