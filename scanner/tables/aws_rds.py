"""RDS databases and snapshots."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsRdsInstance(Resource, title="An RDS database instance"):
    """Members of Aurora clusters too."""

    status: str | None = column("available, backing-up, …", volatile=True)
    engine: str | None = column("postgres, mysql, aurora-postgresql, …")
    engine_version: str | None = column("Version.")
    instance_class: str | None = column("Class, such as db.t3.micro.")
    endpoint: str | None = column("Host name; '' while it has none.")
    port: int | None = column("Port.")
    created: int | None = column("Created.", unit="UTC seconds")
    cluster_name: str | None = column("Cluster it is a member of; '' if none.")
    vpc_uid: str | None = column("Its VPC.")
    subnet_group: str | None = column("Name of its subnet group; '' if none.")
    backup_retention_seconds: int | None = column("How long automated backups are kept; 0: off.", unit="seconds")
    latest_restorable_time: int | None = column(
        "Newest point in time that can be restored; 0 if none.", unit="UTC seconds", volatile=True
    )
    storage_encrypted: bool | None = column("Encrypted at rest.")
    kms_key_uid: str | None = column("Its key; '' if not encrypted.")
    publicly_accessible: bool | None = column("Its name resolves to a public address.")
    multi_az: bool | None = column("A standby in another zone.")
    deletion_protection: bool | None = column("Cannot be deleted in one call.")
    iam_authentication: bool | None = column("Users may sign in with IAM tokens.")
    monitoring_interval_seconds: int | None = column("Enhanced monitoring every; 0: off.", unit="seconds")
    performance_insights: bool | None = column("Performance Insights are on.")
    auto_minor_version_upgrade: bool | None = column("Minor versions are applied by themselves.")
    copy_tags_to_snapshots: bool | None = column("Snapshots carry the instance's tags.")
    ca_certificate: str | None = column("Authority that signed its certificate.")
    parameter_group: str | None = column("Name of its parameter group.")
    tls_required: bool | None = column(
        "Its parameter group refuses connections without TLS (rds.force_ssl, require_secure_transport). "
        "NULL for engines that set it elsewhere."
    )
    replica_source_uid: str | None = column("Instance it is a read replica of; '' if none.")


class AwsRdsLogExport(Child, title="A log that a database sends to CloudWatch"):
    log_name: str | None = column("audit, error, general, slowquery, postgresql, …")


class AwsRdsReplication(Child, title="A copy that a database keeps elsewhere"):
    replication_kind: str | None = column("read_replica or automated_backups.")
    destination_uid: str | None = column("The copy.")
    destination_region: str | None = column("Region of the copy.")


class AwsRdsSnapshot(Resource, title="A snapshot of an RDS instance"):
    instance_name: str | None = column("Database it was taken of.")
    snapshot_kind: str | None = column("manual, automated or awsbackup.")
    created: int | None = column("When it was taken.", unit="UTC seconds")
    status: str | None = column("creating, available, …", volatile=True)
    is_encrypted: bool | None = column("Encrypted at rest.")
    kms_key_uid: str | None = column("Its key; '' if not encrypted.")
    source_region: str | None = column("Region it was copied from; '' if it was not copied.")
    is_public: bool | None = column("Any AWS account may restore it. Automated snapshots cannot be shared.")


class AwsRdsSnapshotShare(Child, title="An account that may restore an RDS snapshot"):
    account_id: str | None = column("The account.")
