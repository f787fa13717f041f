"""RDS database instances and their snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn, region_of
from scanner.collectors.aws.database_tls import tls_by_default, tls_parameter
from scanner.collectors.aws.reads import Read, Refused
from scanner.collectors.aws.services.network import attached_groups, uid_of
from scanner.collectors.aws.shaping import days, field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_network import AwsAttachedSecurityGroup
from scanner.tables.aws_rds import (
    AwsRdsInstance,
    AwsRdsLogExport,
    AwsRdsReplication,
    AwsRdsSnapshot,
    AwsRdsSnapshotShare,
)

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_ON = ("1", "on", "true")


def shape_instance(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeDBInstances")
    row = AwsRdsInstance(**document.place)
    if raw is not None:
        _describe(row, document, raw)
    row.tls_required = _tls_required(raw, document.parts.get("DescribeDBParameters"))
    yield row
    yield from numbered(
        AwsRdsLogExport(**document.place, log_name=name)
        for name in field(raw, "EnabledCloudwatchLogsExports", ()) or ()
    )
    yield from numbered(_replications(document, raw or {}))
    yield from attached_groups(document, field(raw, "VpcSecurityGroups", ()), "VpcSecurityGroupId")
    yield from tag_rows(document, tag_map(field(raw, "TagList", ()) or ()), document.place)


def _describe(row: AwsRdsInstance, document: Document, raw: Json) -> None:
    endpoint = raw.get("Endpoint", {})
    groups = raw.get("DBParameterGroups", ())
    row.status = raw.get("DBInstanceStatus", "")
    row.engine, row.engine_version = raw.get("Engine", ""), raw.get("EngineVersion", "")
    row.instance_class = raw.get("DBInstanceClass", "")
    row.endpoint, row.port = endpoint.get("Address", ""), endpoint.get("Port")
    row.created = seconds(raw.get("InstanceCreateTime"))
    row.cluster_name = raw.get("DBClusterIdentifier", "")
    row.vpc_uid = uid_of(document, "aws_vpc", raw.get("DBSubnetGroup", {}).get("VpcId", ""))
    row.subnet_group = raw.get("DBSubnetGroup", {}).get("DBSubnetGroupName", "")
    row.backup_retention_seconds = days(raw.get("BackupRetentionPeriod", 0))
    row.latest_restorable_time = seconds(raw.get("LatestRestorableTime"), absent=0)
    row.storage_encrypted = raw.get("StorageEncrypted", False)
    row.kms_key_uid = raw.get("KmsKeyId", "")
    row.publicly_accessible = raw.get("PubliclyAccessible", False)
    row.multi_az = raw.get("MultiAZ", False)
    row.deletion_protection = raw.get("DeletionProtection", False)
    row.iam_authentication = raw.get("IAMDatabaseAuthenticationEnabled", False)
    row.monitoring_interval_seconds = raw.get("MonitoringInterval", 0)
    row.performance_insights = raw.get("PerformanceInsightsEnabled", False)
    row.auto_minor_version_upgrade = raw.get("AutoMinorVersionUpgrade", False)
    row.copy_tags_to_snapshots = raw.get("CopyTagsToSnapshot", False)
    row.ca_certificate = raw.get("CACertificateIdentifier", "")
    row.parameter_group = next((g.get("DBParameterGroupName", "") for g in groups), "")
    row.replica_source_uid = _instance_uid(document, raw.get("ReadReplicaSourceDBInstanceIdentifier", ""))


def _instance_uid(document: Document, identifier: str) -> str:
    """An identifier is an ARN in another region, a name in the same."""
    if not identifier or identifier.startswith("arn:"):
        return identifier
    return uid_of(document, "aws_rds_instance", identifier) or ""


def _replications(document: Document, raw: Json) -> Iterator[AwsRdsReplication]:
    copies = [("read_replica", _instance_uid(document, r)) for r in raw.get("ReadReplicaDBInstanceIdentifiers", ())]
    copies += [
        ("automated_backups", b.get("DBInstanceAutomatedBackupsArn", ""))
        for b in raw.get("DBInstanceAutomatedBackupsReplications", ())
    ]
    for kind, uid in copies:
        yield AwsRdsReplication(
            **document.place, replication_kind=kind, destination_uid=uid, destination_region=region_of(uid)
        )


def _tls_required(raw: Json, parameters: Json) -> bool | None:
    """A parameter that nobody set has the engine's default; a default group cannot be changed at all."""
    engine, version = field(raw, "Engine", ""), field(raw, "EngineVersion", "")
    if raw is None or not tls_parameter(engine) or _is_pending(raw):
        return None
    if _default_group(raw):
        return tls_by_default(engine, version)
    if parameters is None:
        return None
    for parameter in parameters:
        if parameter.get("ParameterName") == tls_parameter(engine) and "ParameterValue" in parameter:
            return str(parameter["ParameterValue"]).lower() in _ON
    return tls_by_default(engine, version)


def _is_pending(raw: Json) -> bool:
    """What the group says does not hold yet: it waits for a restart, or is being applied."""
    return any(g.get("ParameterApplyStatus", "in-sync") != "in-sync" for g in raw.get("DBParameterGroups", ()))


def _group(raw: Json) -> str:
    return next((g.get("DBParameterGroupName", "") for g in raw.get("DBParameterGroups", ())), "")


def _default_group(raw: Json) -> bool:
    return _group(raw).startswith("default.") or not _group(raw)


def shape_snapshot(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeDBSnapshots")
    kind = field(raw, "SnapshotType", "")
    shares = _shared_with(document)
    yield AwsRdsSnapshot(
        **document.place,
        instance_name=field(raw, "DBInstanceIdentifier", ""),
        snapshot_kind=kind,
        created=seconds(field(raw, "SnapshotCreateTime", None)),
        status=field(raw, "Status", ""),
        is_encrypted=field(raw, "Encrypted", False),
        kms_key_uid=field(raw, "KmsKeyId", ""),
        source_region=field(raw, "SourceRegion", ""),
        is_public=False if kind == "automated" else None if shares is None else "all" in shares,
    )
    yield from numbered(
        AwsRdsSnapshotShare(**document.place, account_id=account) for account in shares or () if account != "all"
    )
    yield from tag_rows(document, tag_map(field(raw, "TagList", ()) or ()), document.place)


def _shared_with(document: Document) -> list[str] | None:
    """The accounts that may restore it, `all` among them if it is public; None where that was not read."""
    part = document.parts.get("DescribeDBSnapshotAttributes")
    if part is None:
        return None
    attributes = part.get("DBSnapshotAttributesResult", {}).get("DBSnapshotAttributes", ())
    return [v for a in attributes if a.get("AttributeName") == "restore" for v in a.get("AttributeValues", ())]


_INSTANCE = (AwsRdsInstance, AwsRdsLogExport, AwsRdsReplication, AwsAttachedSecurityGroup, AwsTag)
_SNAPSHOT = (AwsRdsSnapshot, AwsRdsSnapshotShare, AwsTag)
KINDS = (
    Kind(
        "aws_rds_instance", _INSTANCE, shape_instance,
        volatile=("DescribeDBInstances.LatestRestorableTime", "DescribeDBInstances.DBInstanceStatus"),
    ),
    Kind(
        "aws_rds_snapshot", _SNAPSHOT, shape_snapshot,
        volatile=("DescribeDBSnapshots.Status", "DescribeDBSnapshots.PercentProgress"),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("rds", "DescribeDBInstances", "rds:DescribeDBInstances", rows=_INSTANCE),
    Read("rds", "DescribeDBParameters", "rds:DescribeDBParameters", columns={AwsRdsInstance: ("tls_required",)}),
    Read("rds", "DescribeDBSnapshots", "rds:DescribeDBSnapshots", rows=_SNAPSHOT),
    Read(
        "rds", "DescribeDBSnapshotAttributes", "rds:DescribeDBSnapshotAttributes",
        rows=(AwsRdsSnapshotShare,), columns={AwsRdsSnapshot: ("is_public",)},
        gives=("DBSnapshotAttributesResult.DBSnapshotAttributes",),
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Instances, the parameters of groups that somebody made, snapshots with whom they are shared."""
    groups: dict[str, list[Json] | Refused] = {}
    api.in_turn(lambda raw: _instance(api, raw, groups), api.items("DescribeDBInstances", "DBInstances"))
    api.each(lambda raw: _snapshot(api, raw), api.items("DescribeDBSnapshots", "DBSnapshots"))


def _instance(api: Api, raw: Json, groups: dict[str, list[Json] | Refused]) -> None:
    uid = raw.get("DBInstanceArn") or arn(
        "aws_rds_instance", raw["DBInstanceIdentifier"], account=api.account.id, region=api.region
    )
    parts = {"DescribeDBInstances": raw}
    engine = raw.get("Engine", "")
    if not tls_parameter(engine):
        detail = f"{engine} does not say in the instance's parameters whether TLS is required"
        api.gap(AwsRdsInstance, "tls_required", "unsupported", uid=uid, detail=detail)
    elif _is_pending(raw):
        detail = "the parameter group does not hold yet: the instance waits for a restart"
        api.gap(AwsRdsInstance, "tls_required", "unsupported", uid=uid, detail=detail)
    elif not _default_group(raw):
        _add_parameters(api, uid, parts, groups)
    api.document("aws_rds_instance", uid, raw["DBInstanceIdentifier"], parts)


def _add_parameters(api: Api, uid: str, parts: dict[str, Json], groups: dict[str, list[Json] | Refused]) -> None:
    """The one parameter of the instance's group that decides about TLS; each group is read once."""
    raw = parts["DescribeDBInstances"]
    group, name = _group(raw), tls_parameter(raw["Engine"])
    if group not in groups:
        groups[group] = api.listing("DescribeDBParameters", "Parameters", DBParameterGroupName=group)
    parameters = groups[group]
    if isinstance(parameters, Refused):
        api.lost("DescribeDBParameters", parameters, uid)
    else:
        parts["DescribeDBParameters"] = [p for p in parameters if p.get("ParameterName") == name]


def _snapshot(api: Api, raw: Json) -> None:
    name = raw["DBSnapshotIdentifier"]
    uid = raw.get("DBSnapshotArn") or arn("aws_rds_snapshot", name, account=api.account.id, region=api.region)
    parts = {"DescribeDBSnapshots": raw}
    if raw.get("SnapshotType") != "automated":
        api.detail(parts, "DescribeDBSnapshotAttributes", uid=uid, DBSnapshotIdentifier=name)
    api.document("aws_rds_snapshot", uid, name, parts)
