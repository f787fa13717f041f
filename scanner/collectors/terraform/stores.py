"""Tables, file systems, warehouses and search domains."""

from __future__ import annotations

from scanner.collectors.terraform.compute import key_of
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.messaging import own_policy
from scanner.collectors.terraform.network import attached_groups
from scanner.collectors.terraform.policies import TABLES as POLICY_TABLES
from scanner.collectors.terraform.reading import RUNNING, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_dynamodb import AwsDaxCluster, AwsDynamodbTable
from scanner.tables.aws_efs import AwsEfsFileSystem
from scanner.tables.aws_network import AwsAttachedSecurityGroup
from scanner.tables.aws_opensearch import AwsOpensearchDomain
from scanner.tables.aws_redshift import AwsRedshiftCluster

_DAY = 86_400
_PITR_DAYS = 35  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
_ROWS = tuple((table, "") for table in POLICY_TABLES)


def enabled(
    view: View, block: str, argument: str = "enabled", *, absent: bool = False, unset: bool = False
) -> bool | Lost:
    """A switch in a block of its own: `absent` where there is no block, `unset` where the block does not say."""
    found = view.block(block)
    if found is None or isinstance(found, Lost):
        return absent if found is None else found
    return found.boolean(argument, absent=unset)


def _table(shape: Shape, parts: Parts) -> None:
    own = parts.own
    sse = own.block("server_side_encryption")
    on = enabled(own, "server_side_encryption")
    key = sse.ref("kms_key_arn", "aws_kms_key", known=str, absent="") if isinstance(sse, View) else RUNNING
    recovery = own.block("point_in_time_recovery")
    pitr = enabled(own, "point_in_time_recovery")
    period = _PITR_DAYS * _DAY
    if isinstance(recovery, View) and "recovery_period_in_days" in recovery.values:
        days = recovery.integer("recovery_period_in_days", absent=_PITR_DAYS)
    else:
        days = _PITR_DAYS
    shape.resource(
        AwsDynamodbTable,
        created=RUNNING,
        encryption=then(on, lambda is_on: "KMS" if is_on else "AWS_OWNED"),
        kms_key_uid="" if on is False else then(on, lambda _: then(key, lambda text: text or RUNNING)),
        pitr_enabled=pitr,
        pitr_period_seconds=0 if pitr is False else then(pitr, lambda _: then(days, lambda n: (n * _DAY) or period)),
        deletion_protection=own.boolean("deletion_protection_enabled", absent=False),
    )
    own_policy(shape, parts, "aws_dynamodb_resource_policy", inline="")
    fill_tags(shape, own)


def _dax(shape: Shape, parts: Parts) -> None:
    own = parts.own
    endpoint = own.text("cluster_endpoint_encryption_type", absent="NONE")
    shape.resource(
        AwsDaxCluster,
        is_encrypted=enabled(own, "server_side_encryption"),
        tls_enabled=then(endpoint, lambda kind: kind == "TLS"),
    )
    fill_tags(shape, own)


def _files(shape: Shape, parts: Parts) -> None:
    own = parts.own
    encrypted = own.boolean("encrypted", absent=False)
    shape.resource(
        AwsEfsFileSystem,
        created=RUNNING,
        is_encrypted=encrypted,
        kms_key_uid=key_of(own, parts, encrypted),
        backup_enabled=_backed_up(parts),
    )
    own_policy(shape, parts, "aws_efs_file_system_policy", inline="")
    fill_tags(shape, own)


def _backed_up(parts: Parts) -> bool | Lost:
    """Automatic backups. File systems of one zone have them unless somebody turns them off.

    https://docs.aws.amazon.com/efs/latest/ug/awsbackup.html
    """
    if view := parts.only("aws_efs_backup_policy"):
        policy = view.block("backup_policy")
        if isinstance(policy, View):
            return then(policy.text("status"), lambda status: status == "ENABLED")
        return policy or RUNNING
    if parts.is_gone("aws_efs_backup_policy"):
        return False
    zone = parts.own.text("availability_zone_name", absent="")
    return then(zone, lambda text: text != "") if parts.is_new else RUNNING


def _warehouse(shape: Shape, parts: Parts) -> None:
    own = parts.own
    encrypted = own.boolean("encrypted", absent=False)
    days = own.integer("automated_snapshot_retention_period", absent=1)
    logs = enabled(own, "logging", "enable") if "logging" in own.values else (False if parts.is_new else RUNNING)
    shape.resource(
        AwsRedshiftCluster,
        created=RUNNING,
        is_encrypted=encrypted,
        kms_key_uid=key_of(own, parts, encrypted),
        publicly_accessible=own.boolean("publicly_accessible", absent=RUNNING),
        backup_retention_seconds=then(days, lambda number: number * _DAY),
        audit_logging_enabled=True if parts.views("aws_redshift_logging") else logs,
        endpoint=RUNNING,
        vpc_uid=RUNNING,
    )
    attached_groups(shape, parts, own, "vpc_security_group_ids")
    fill_tags(shape, own)


def _domain(shape: Shape, parts: Parts) -> None:
    own = parts.own
    at_rest = own.block("encrypt_at_rest")
    encrypted = enabled(own, "encrypt_at_rest")
    endpoint = own.block("domain_endpoint_options")
    network = own.block("vpc_options")
    shape.resource(
        AwsOpensearchDomain,
        engine_version=own.text(
            "engine_version" if "engine_version" in own.values else "elasticsearch_version", RUNNING
        ),
        encrypted_at_rest=encrypted,
        kms_key_uid=key_of(at_rest, parts, encrypted)
        if isinstance(at_rest, View)
        else ""
        if at_rest is None
        else at_rest,
        node_to_node_encrypted=enabled(own, "node_to_node_encryption"),
        https_required=enabled(own, "domain_endpoint_options", "enforce_https", unset=True),
        tls_policy=endpoint.text("tls_security_policy", absent=RUNNING) if isinstance(endpoint, View) else RUNNING,
        vpc_uid="" if network is None else RUNNING,
        audit_logs_enabled=_audited(own),
        fine_grained_access=enabled(own, "advanced_security_options"),
    )
    if isinstance(network, View):
        attached_groups(shape, parts, network, "security_group_ids")
    elif isinstance(network, Lost):
        shape.lost(AwsAttachedSecurityGroup, "", network)
    own_policy(shape, parts, f"{parts.type}_policy", "access_policies", "access_policies")
    fill_tags(shape, own)


def _audited(own: View) -> bool | Lost:
    blocks = own.blocks("log_publishing_options")
    if isinstance(blocks, Lost):
        return blocks
    for block in blocks:
        if block.text("log_type", absent="") == "AUDIT_LOGS":
            return block.boolean("enabled", absent=True)
    return next((kind for b in blocks if isinstance(kind := b.text("log_type", absent=""), Lost)), False)


FAMILIES = (
    Family(
        types=("aws_dynamodb_table",),
        tables=(AwsDynamodbTable, *POLICY_TABLES, AwsTag),
        fill=_table,
        satellites={"aws_dynamodb_resource_policy": Satellite("resource_arn", _ROWS)},
    ),
    Family(types=("aws_dax_cluster",), tables=(AwsDaxCluster, AwsTag), fill=_dax),
    Family(
        types=("aws_efs_file_system",),
        tables=(AwsEfsFileSystem, *POLICY_TABLES, AwsTag),
        fill=_files,
        satellites={
            "aws_efs_backup_policy": Satellite("file_system_id", ((AwsEfsFileSystem, "backup_enabled"),)),
            "aws_efs_file_system_policy": Satellite("file_system_id", _ROWS),
        },
    ),
    Family(
        types=("aws_redshift_cluster",),
        tables=(AwsRedshiftCluster, AwsAttachedSecurityGroup, AwsTag),
        fill=_warehouse,
        satellites={
            "aws_redshift_logging": Satellite("cluster_identifier", ((AwsRedshiftCluster, "audit_logging_enabled"),))
        },
        secret=("aws_redshift_cluster.*.master_password",),
    ),
    Family(
        types=("aws_opensearch_domain", "aws_elasticsearch_domain"),
        tables=(AwsOpensearchDomain, AwsAttachedSecurityGroup, *POLICY_TABLES, AwsTag),
        fill=_domain,
        satellites={
            "aws_opensearch_domain_policy": Satellite("domain_name", _ROWS),
            "aws_elasticsearch_domain_policy": Satellite("domain_name", _ROWS),
        },
        secret=("aws_opensearch_domain.*.advanced_security_options.*.master_user_options.*.master_user_password",),
    ),
)
