"""RDS instances and snapshots."""

from __future__ import annotations

from scanner.collectors.aws.database_tls import tls_by_default, tls_parameter
from scanner.collectors.terraform.compute import key_of
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.network import attached_groups
from scanner.collectors.terraform.reading import AFTER_APPLY, RUNNING, UNSUPPORTED, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_network import AwsAttachedSecurityGroup
from scanner.tables.aws_rds import (
    AwsRdsInstance,
    AwsRdsLogExport,
    AwsRdsReplication,
    AwsRdsSnapshot,
    AwsRdsSnapshotShare,
)

_DAY = 86_400
_NOT_HERE = Lost(UNSUPPORTED, "is set on the cluster, which is not read yet")


def _instance(shape: Shape, parts: Parts) -> None:
    own = parts.own
    if parts.type == "aws_rds_cluster_instance":
        _member(shape, parts)
        return
    encrypted = own.boolean("storage_encrypted", absent=False)
    copy = own.ref(
        "replicate_source_db", "aws_db_instance", known=parts.by_name("aws_rds_instance", "aws_db_instance"), absent=""
    )
    shape.resource(
        AwsRdsInstance,
        status=RUNNING,
        engine=own.text("engine"),
        engine_version=own.text("engine_version", absent=RUNNING),
        instance_class=own.text("instance_class"),
        endpoint=own.text("address"),
        port=own.integer("port", absent=RUNNING),
        created=RUNNING,
        cluster_name="",
        vpc_uid=RUNNING,
        subnet_group=own.text("db_subnet_group_name", absent=RUNNING),
        backup_retention_seconds=then(own.integer("backup_retention_period"), lambda days: days * _DAY),
        latest_restorable_time=RUNNING,
        storage_encrypted=encrypted,
        kms_key_uid=key_of(own, parts, encrypted),
        publicly_accessible=own.boolean("publicly_accessible", absent=False),
        multi_az=own.boolean("multi_az", absent=RUNNING),
        deletion_protection=own.boolean("deletion_protection", absent=False),
        iam_authentication=own.boolean("iam_database_authentication_enabled", absent=False),
        monitoring_interval_seconds=own.integer("monitoring_interval", absent=0),
        performance_insights=own.boolean("performance_insights_enabled", absent=False),
        auto_minor_version_upgrade=own.boolean("auto_minor_version_upgrade", absent=True),
        copy_tags_to_snapshots=own.boolean("copy_tags_to_snapshot", absent=False),
        ca_certificate=own.text("ca_cert_identifier", absent=RUNNING),
        parameter_group=own.text("parameter_group_name", absent=RUNNING) or RUNNING,
        tls_required=_tls(own, parts),
        replica_source_uid=copy,
    )
    logs = own.texts("enabled_cloudwatch_logs_exports")
    for name in shape.each(AwsRdsLogExport, logs):
        shape.child(AwsRdsLogExport, log_name=name)
    for _ in parts.views("aws_db_instance_automated_backups_replication"):
        shape.child(
            AwsRdsReplication, replication_kind="automated_backups", destination_uid=RUNNING, destination_region=RUNNING
        )
    if not parts.is_new:
        shape.lost(AwsRdsReplication, "", RUNNING)
    attached_groups(shape, parts, own, "vpc_security_group_ids")
    fill_tags(shape, own)


def _member(shape: Shape, parts: Parts) -> None:
    """A member of an Aurora cluster: storage, backups and protection are the cluster's."""
    own = parts.own
    shape.resource(
        AwsRdsInstance,
        status=RUNNING,
        engine=own.text("engine"),
        engine_version=own.text("engine_version", absent=RUNNING),
        instance_class=own.text("instance_class"),
        endpoint=own.text("endpoint"),
        port=own.integer("port"),
        created=RUNNING,
        cluster_name=own.text("cluster_identifier"),
        vpc_uid=RUNNING,
        subnet_group=own.text("db_subnet_group_name", absent=RUNNING),
        backup_retention_seconds=_NOT_HERE,
        latest_restorable_time=RUNNING,
        storage_encrypted=own.boolean("storage_encrypted", absent=_NOT_HERE),
        kms_key_uid=own.ref("kms_key_id", "aws_kms_key", known=parts.by_id("aws_kms_key")),
        publicly_accessible=own.boolean("publicly_accessible", absent=RUNNING),
        multi_az=_NOT_HERE,
        deletion_protection=_NOT_HERE,
        iam_authentication=_NOT_HERE,
        monitoring_interval_seconds=own.integer("monitoring_interval", absent=0),
        performance_insights=own.boolean("performance_insights_enabled", absent=False),
        auto_minor_version_upgrade=own.boolean("auto_minor_version_upgrade", absent=True),
        copy_tags_to_snapshots=own.boolean("copy_tags_to_snapshot", absent=False),
        ca_certificate=own.text("ca_cert_identifier", absent=RUNNING),
        parameter_group=own.text("db_parameter_group_name", absent=RUNNING),
        tls_required=_tls(own, parts, "db_parameter_group_name"),
        replica_source_uid="",
    )
    for table in (AwsRdsLogExport, AwsAttachedSecurityGroup):
        shape.lost(table, "", _NOT_HERE)
    if not parts.is_new:
        shape.lost(AwsRdsReplication, "", RUNNING)
    fill_tags(shape, own)


def _tls(own: View, parts: Parts, argument: str = "parameter_group_name") -> bool | Lost:
    """Whether the parameter group refuses connections without TLS. A parameter that nobody set has the engine's
    default, and so has a group of AWS's own."""
    engine, version = own.text("engine", absent=""), own.text("engine_version", absent="")
    if isinstance(engine, Lost):
        return engine
    if not tls_parameter(engine):
        return Lost(UNSUPPORTED, f"the engine {engine[:40]!r} sets TLS elsewhere")
    by_default = then(version, lambda text: _or_running(tls_by_default(engine, text)))
    if groups := parts.views("aws_db_parameter_group"):
        return _parameter(groups[0], tls_parameter(engine), by_default)
    name = own.text(argument, absent="")
    if isinstance(name, Lost):
        return name
    if not name or name.startswith("default."):
        return by_default
    return Lost(AFTER_APPLY, f"the parameter group {name!r} is declared outside this plan")


def _parameter(group: View, name: str, by_default: bool | Lost) -> bool | Lost:
    blocks = group.blocks("parameter")
    if isinstance(blocks, Lost):
        return blocks
    for block in blocks:
        given = block.text("name")
        if isinstance(given, Lost):
            return given
        if given == name:
            return then(block.text("value"), lambda value: value.strip().lower() in ("1", "on", "true"))
    return by_default


def _or_running(value: bool | None) -> bool | Lost:
    return RUNNING if value is None else value


def _snapshot(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shared = own.texts("shared_accounts")
    encrypted = own.boolean("encrypted", absent=RUNNING)
    shape.resource(
        AwsRdsSnapshot,
        instance_name=own.text("db_instance_identifier"),
        snapshot_kind="manual",
        created=RUNNING,
        status=RUNNING,
        is_encrypted=encrypted,
        kms_key_uid=key_of(own, parts, encrypted),
        source_region=own.text("source_region", absent=""),
        is_public=then(shared, lambda accounts: "all" in accounts),
    )
    for account in shape.each(AwsRdsSnapshotShare, shared):
        shape.child(AwsRdsSnapshotShare, account_id=account)
    fill_tags(shape, own)


FAMILIES = (
    Family(
        types=("aws_db_instance", "aws_rds_cluster_instance"),
        tables=(AwsRdsInstance, AwsRdsLogExport, AwsRdsReplication, AwsAttachedSecurityGroup, AwsTag),
        fill=_instance,
        looks_up=("aws_db_instance",),
        secret=("*.*.password", "*.*.password_wo", "*.*.domain_auth_secret_arn"),
        satellites={
            "aws_db_instance_automated_backups_replication": Satellite(
                "source_db_instance_arn", ((AwsRdsReplication, ""),)
            )
        },
        shared={"aws_db_parameter_group": ("parameter_group_name", "db_parameter_group_name")},
    ),
    Family(types=("aws_db_snapshot",), tables=(AwsRdsSnapshot, AwsRdsSnapshotShare, AwsTag), fill=_snapshot),
)
