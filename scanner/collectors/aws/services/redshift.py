"""Redshift clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.services.network import attached_groups, uid_of
from scanner.collectors.aws.shaping import days, field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_network import AwsAttachedSecurityGroup
from scanner.tables.aws_redshift import AwsRedshiftCluster

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_CLUSTER = (AwsRedshiftCluster, AwsAttachedSecurityGroup, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeClusters")
    endpoint = field(raw, "Endpoint", {})
    yield AwsRedshiftCluster(
        **document.place,
        created=seconds(field(raw, "ClusterCreateTime", None)),
        is_encrypted=field(raw, "Encrypted", False),
        kms_key_uid=field(raw, "KmsKeyId", ""),
        publicly_accessible=field(raw, "PubliclyAccessible", False),
        backup_retention_seconds=days(field(raw, "AutomatedSnapshotRetentionPeriod", 0)),
        audit_logging_enabled=field(document.parts.get("DescribeLoggingStatus"), "LoggingEnabled", False),
        endpoint=None if endpoint is None else _address(endpoint),
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VpcId", "")),
    )
    yield from attached_groups(document, field(raw, "VpcSecurityGroups", ()), "VpcSecurityGroupId")
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or ()), document.place)


def _address(endpoint: Json) -> str:
    return f"{endpoint['Address']}:{endpoint.get('Port', '')}" if endpoint.get("Address") else ""


KINDS = (
    Kind(
        "aws_redshift_cluster", _CLUSTER, shape,
        volatile=(
            "DescribeClusters.ClusterStatus", "DescribeClusters.ClusterAvailabilityStatus",
            "DescribeClusters.TotalStorageCapacityInMegaBytes", "DescribeLoggingStatus.LastSuccessfulDeliveryTime",
            "DescribeLoggingStatus.LastFailureTime", "DescribeLoggingStatus.LastFailureMessage",
        ),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("redshift", "DescribeClusters", "redshift:DescribeClusters", rows=_CLUSTER),
    Read(
        "redshift", "DescribeLoggingStatus", "redshift:DescribeLoggingStatus", gives=("LoggingEnabled",),
        columns={AwsRedshiftCluster: ("audit_logging_enabled",)},
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every provisioned cluster."""
    api.each(lambda raw: _cluster(api, raw), api.items("DescribeClusters", "Clusters"))


def _cluster(api: Api, raw: Json) -> None:
    name = raw["ClusterIdentifier"]
    uid = arn("aws_redshift_cluster", name, account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {"DescribeClusters": raw}
    api.detail(parts, "DescribeLoggingStatus", uid=uid, ClusterIdentifier=name)
    api.document("aws_redshift_cluster", uid, name, parts)
